// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kinds of findings, from the worst on: a stable word each, and whether it is an error. docs/guides/doctor.md has them all.

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Somebody gets in who should not, or nobody does who should.
    Error,
    /// It will be so one day, or for some, or may be meant so.
    Warning,
}

impl Severity {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A word of the store's own, which core knows.
    Store(&'static str),
    Of(Word),
}

macro_rules! words {
    ($($severity:ident $variant:ident $name:literal)*) => {
        /// The kinds that are found outside of the store, worst first.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Word { $($variant),* }

        impl Word {
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity),* }
            }
        }
    };
}

words! {
    Error AccountLineMissing "account-line-missing"
    Error Undone "stack-undone"
    Error PasswordAlone "stack-password-alone"
    Error NobodyAsks "stack-nobody-asks"
    Error CodeWithoutPassword "stack-code-without-password"
    Error SiblingOpen "sibling-unprotected"
    Error KeyInVersionControl "key-in-version-control"
    Error ModuleMissing "module-missing"
    Error ModuleUntrusted "module-untrusted"
    Error ModuleDoesNotLoad "module-does-not-load"
    Error Config "config"
    Error SshdSettings "sshd-settings"
    Error SshdNoPam "sshd-no-pam"
    Error SshdNoPrompt "sshd-no-prompt"
    Error SshdNoKeyFirst "sshd-no-key-first"
    Error ServiceWithoutRoot "service-without-root"
    Error DiskReadOnly "disk-read-only"
    Error Renamed "renamed"
    Warning Bypassed "stack-bypassed"
    Warning CodeAlone "stack-code-alone"
    Warning WrongPasswordAsked "stack-wrong-password-asked"
    Warning BeforePassword "stack-before-password"
    Warning ExemptRefused "stack-exempt-refused"
    Warning Twice "stack-twice"
    Warning StackUnread "stack-unread"
    Warning EnrollNotOffered "enroll-not-offered"
    Warning SshdKeyAlone "sshd-key-alone"
    Warning SshdPasswordMethod "sshd-password-method"
    Warning NoWayIn "no-way-in"
    Warning LockedOut "locked-out"
    Warning LetThrough "let-through"
    Warning Blocked "blocked"
    Warning Orphaned "orphaned"
    Warning AccountsUnknown "accounts-unknown"
    Warning ExemptUntilPassed "exempt-until-passed"
    Warning ClockUnsynchronised "clock-unsynchronised"
    Warning KeyNotIgnored "key-not-ignored"
    Warning KeyUnused "key-unused"
    Warning ModuleVersion "module-version"
    Warning Rule "rule"
    Warning DiskFull "disk-full"
    Warning PolicyModule "selinux-module"
    Warning Label "selinux-label"
    Warning Profile "apparmor-profile"
    Warning NotInUse "not-in-use"
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Store(word) => word,
            Self::Of(word) => word.name(),
        }
    }

    pub(crate) fn severity(self) -> Severity {
        match self {
            // A login on a full disk, or after the next rotten block: not today.
            Self::Store(word) if word.starts_with("blocks-") || ["copy-on-write", "slot-lost"].contains(&word) => {
                Severity::Warning
            }
            Self::Store(_) => Severity::Error,
            Self::Of(word) => word.severity(),
        }
    }

    /// Errors before warnings; what is wrong with the store among the first of each.
    pub(super) fn rank(self) -> (bool, usize) {
        let place = match self {
            Self::Store(_) => Word::SiblingOpen as usize,
            Self::Of(word) => word as usize,
        };
        (self.severity() == Severity::Warning, place)
    }
}

impl From<Word> for Kind {
    fn from(word: Word) -> Self {
        Self::Of(word)
    }
}
