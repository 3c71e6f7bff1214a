// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every command, one line each: how it is called, and where it does its work although something is wrong, with the
//! reason. A command that is new gets its line here; the test that asks the program for its commands demands it.

use super::situations::Situation::{self, *};
use super::situations::{ENROLLED, RENAMED};

/// Where a command works, although something is wrong, and why.
type Reason = (&'static [Situation], &'static str);

/// A command, or one way to call it.
pub(crate) struct Case {
    /// As the command line has it: `device add`.
    pub(crate) command: &'static str,
    /// What sets this way to call it apart from the others.
    pub(crate) variant: &'static str,
    /// What follows the command where nobody sits before a terminal. `{user}`, `{uid}` and `{host}` are put in.
    pub(crate) words: &'static str,
    pub(crate) start: Start,
    pub(crate) stdin: Stdin,
    /// What follows the command where a person is asked, and what stands on the screen then.
    pub(crate) asks: Option<(&'static str, &'static str)>,
    /// Whether faults are its result, on stdout, and not its failure. Its own tests hold what it tells.
    pub(crate) faults: Faults,
    /// Whose record is spoilt.
    pub(crate) record: u32,
    /// What a failure may leave behind, since it does no harm and the next run goes on with it.
    pub(crate) leaves: &'static [&'static str],
    pub(crate) works: &'static [Reason],
}

/// What the host is like before anything goes wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// A config, and nothing else.
    Fresh,
    /// The command is for somebody who is enrolled, or for nobody.
    Enrolled,
    /// The command is for somebody who is not.
    NotEnrolled,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stdin {
    Empty,
    /// A code that gets in.
    Code,
    /// Two codes of the device `token`, one right after the other.
    TwoCodes,
}

/// Where it says what is wrong.

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Faults {
    AreFailures,
    /// What is wrong with one person or file stands in the result, with a reason; the others are done.
    OfSome,
    AreResults,
}

impl Case {
    const fn new(command: &'static str, words: &'static str) -> Self {
        let (variant, start, stdin, asks, faults) = ("", Start::Enrolled, Stdin::Empty, None, Faults::AreFailures);
        Self { command, variant, words, start, stdin, asks, faults, record: ENROLLED.1, leaves: &[], works: &[] }
    }

    const fn variant(self, variant: &'static str) -> Self {
        Self { variant, ..self }
    }

    const fn on(self, start: Start) -> Self {
        Self { start, ..self }
    }

    const fn given(self, stdin: Stdin) -> Self {
        Self { stdin, ..self }
    }

    const fn asks(self, words: &'static str, question: &'static str) -> Self {
        Self { asks: Some((words, question)), ..self }
    }

    const fn tells(self) -> Self {
        Self { faults: Faults::AreResults, ..self }
    }

    const fn of_some(self) -> Self {
        Self { faults: Faults::OfSome, ..self }
    }

    const fn opens(self, record: u32) -> Self {
        Self { record, ..self }
    }

    const fn leaves(self, leaves: &'static [&'static str]) -> Self {
        Self { leaves, ..self }
    }

    const fn works(self, works: &'static [Reason]) -> Self {
        Self { works, ..self }
    }

    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.command, self.variant).trim_end().to_owned()
    }

    /// Whether its own line says that it works.
    pub(crate) fn works_itself_in(&self, situation: Situation) -> Option<&'static str> {
        reason(self.works.iter(), situation)
    }

    pub(crate) fn works_in(&self, situation: Situation) -> Option<&'static str> {
        reason(ALL_OF_THEM.iter().chain(self.works), situation)
    }
}

fn reason(mut of: impl Iterator<Item = &'static Reason>, situation: Situation) -> Option<&'static str> {
    of.find(|(situations, _)| situations.contains(&situation)).map(|(_, reason)| *reason)
}

/// Where any command may work.
const ALL_OF_THEM: &[Reason] = &[
    (&[SlotA, SlotB], "one sound slot is enough"),
    (&[NoMarker, Marker], "the marker is read for those who are not enrolled only"),
];
const NEW_HOST: Reason = (&[NotInitialised], "it makes what is not there");
const WHAT_IS_WRONG_WITH_A_RECORD: &[Situation] =
    &[LinkedRecord, OpenRecord, Denied, Header, NewerHeader, OthersHeader, OtherKeysHeader, Sealed, Slots, Short];
const OPENS_NO_RECORD: Reason = (WHAT_IS_WRONG_WITH_A_RECORD, "it opens nobody's record");
const WAITS_FOR_NOBODY: Reason = (&[Locked], "it waits for nobody");
const OTHERS_GO_ON: Reason = (WHAT_IS_WRONG_WITH_A_RECORD, "what is wrong with one record hinders nobody else");
const HEADERS_ALONE: Reason =
    (&[OthersHeader, Sealed, Slots, Short], "it reads no more of a record than which key it names");
const SKIPS: Reason = (&[OtherKeysHeader, Sealed, Slots, Short], "whoever has a record is skipped");
const KEYS_ALONE: Reason = (&[NoStore, NotMounted, OpenStore, OthersStore], "it is about the keys alone");
const PUTS_BACK: Reason = (&[NotInitialised, NoKeys, NoKey], "it puts back what is not there");
const FOR_A_LOST_STORE: Reason = (&[NoStore, NotMounted], "a lost store is what it is for");
const FOR_A_LOST_RECORD: Reason = (&[Header, OthersHeader, Sealed, Slots, Short], "a damaged record is what it is for");
const ENROLLED_ALREADY: Reason = (&[EnrolledAlready], "whoever is enrolled is left as they are");
const NOTHING_TO_MAKE: Reason = (&[FullDisk, ReadOnlyDisk], "there is nothing to make");
const NEEDS_NO_KEY: Reason =
    (&[NoKeys, NoKey, OtherKey, HalfKey, OpenKey], "it takes away what cannot be opened any more too");
const DAMAGED_TOO: Reason = (
    &[Header, NewerHeader, OthersHeader, OtherKeysHeader, Sealed, Slots, Short],
    "it takes away what cannot be opened any more too",
);
const REMOVING: Reason = (&[FullDisk], "removing takes no space");
const SAYS_WHOSE: Reason = (
    &[OthersHeader, OtherKeysHeader, Sealed, Slots, Short],
    "whose it was stands in clear, and what is gone needs not open",
);
const READING: Reason = (&[FullDisk], "it only reads");
const READING_ONLY: Reason = (&[FullDisk, ReadOnlyDisk], "it only reads");
const IN_PLACE: Reason = (&[FullDisk], "it writes in place, as a login does");
const EXPLAINING: Reason = (
    &[
        NotInitialised,
        ReadOnlyDisk,
        NoKeys,
        NoKey,
        OtherKey,
        HalfKey,
        OpenKey,
        NoStore,
        NotMounted,
        OpenStore,
        OthersStore,
        LinkedRecord,
        OpenRecord,
        Denied,
        Header,
        NewerHeader,
        OthersHeader,
        OtherKeysHeader,
        Sealed,
        Slots,
        Short,
        Locked,
    ],
    "the rules can be explained all the same",
);

pub(crate) const CASES: &[Case] = &[
    Case::new("init", "").on(Start::Fresh).leaves(&["keys", "store", "store/users"]).works(&[NEW_HOST]),
    Case::new("init", "").variant("again").works(&[NEW_HOST, OPENS_NO_RECORD, WAITS_FOR_NOBODY, NOTHING_TO_MAKE]),
    Case::new("enroll", "{user} --no-confirm").on(Start::NotEnrolled).asks("{user}", "Code from the app:"),
    Case::new("enroll", "{user} --no-confirm --replace")
        .variant("--replace")
        .works(&[(&[NotEnrolled], "there is nothing to replace")]),
    Case::new("enroll", "--from {host}/given/people.csv --output {host}/handouts --no-confirm")
        .variant("--from")
        .leaves(&["handouts"])
        .of_some()
        .works(&[SKIPS]),
    Case::new("device list", "{user}").works(&[READING]),
    Case::new("device add", "{user} --no-confirm").asks("{user}", "Code from the app:"),
    Case::new("device rename", "{user} token button"),
    Case::new("device remove", "{user} token --yes").asks("{user} token", "Remove the device 'token'"),
    Case::new("device resync", "{user} token").given(Stdin::TwoCodes).asks("{user} token", "A code of 'token':"),
    Case::new("backup-codes", "{user} --yes").asks("{user}", "that are left?"),
    Case::new("bypass", "{user}"),
    Case::new("bypass", "{user} --revoke").variant("--revoke"),
    // A hint beside no waiver hints at nothing (docs/FORMAT.md).
    Case::new("waive", "{user} --until +2d --reason ticket").leaves(&["store/users/1.waived"]),
    Case::new("waive", "{user} --end").variant("--end").works(&[(&[FullDisk], "there is no waiver to end")]),
    Case::new("invite", "{user}").on(Start::NotEnrolled),
    Case::new("invite", "{user} --end").variant("--end").on(Start::NotEnrolled).works(&[
        OPENS_NO_RECORD,
        NEEDS_NO_KEY,
        REMOVING,
        (&[EnrolledAlready], "there is no invitation to end"),
    ]),
    Case::new("verify", "{user}").given(Stdin::Code).asks("{user}", "Verification code:").works(&[IN_PLACE]),
    Case::new("status", "{user}").works(&[READING, (&[NotEnrolled], "that is its answer")]),
    Case::new("list", "").tells(),
    Case::new("unlock", "{user}").works(&[IN_PLACE]),
    Case::new("remove", "{user} --yes").asks("{user}", "Remove what is enrolled").works(&[REMOVING]),
    Case::new("remove", "--uid {uid} --yes").variant("--uid").asks("--uid {uid}", "Remove what is enrolled").works(&[
        REMOVING,
        NEEDS_NO_KEY,
        DAMAGED_TOO,
    ]),
    Case::new("remove", "--vanished --yes")
        .variant("--vanished")
        .opens(RENAMED)
        .of_some()
        .asks("--vanished", "Remove what deleted accounts have left: demons (uid 5001)?")
        .works(&[REMOVING, NEEDS_NO_KEY, SAYS_WHOSE]),
    Case::new("doctor", "").tells(),
    Case::new("doctor", "--mend").variant("--mend").tells(),
    Case::new("rebind", "{user} --from-uid 5001 --yes")
        .on(Start::NotEnrolled)
        .opens(RENAMED)
        .asks("{user} --from-uid 5001", "Give the record that was made for demons"),
    Case::new("import google-authenticator", "{user} --file {host}/given/google")
        .on(Start::NotEnrolled)
        .of_some()
        .works(&[ENROLLED_ALREADY]),
    Case::new("import oath", "{host}/given/users.oath").of_some().works(&[OTHERS_GO_ON]),
    Case::new("key list", "").of_some().works(&[HEADERS_ALONE, WAITS_FOR_NOBODY, READING_ONLY]),
    Case::new("key rotate", "").of_some(),
    Case::new("key backup", "--output {host}/key.txt").asks("", "Show the master keys here?").of_some().works(&[
        KEYS_ALONE,
        OPENS_NO_RECORD,
        WAITS_FOR_NOBODY,
    ]),
    Case::new("key restore", "--from {host}/given/key.txt").asks("", "Line 1 of 5:").works(&[
        PUTS_BACK,
        KEYS_ALONE,
        OPENS_NO_RECORD,
        NOTHING_TO_MAKE,
    ]),
    Case::new("store backup", "{host}/store.backup --under-master-key").of_some(),
    Case::new("store restore", "{host}/given/store.backup --yes --allow-used-codes")
        .asks("{host}/given/store.backup", "Restore 1 of 1 people?")
        .of_some()
        .works(&[FOR_A_LOST_STORE, FOR_A_LOST_RECORD]),
    Case::new("policy explain", "{user} --service sshd").works(&[
        EXPLAINING,
        READING,
        (&[NotEnrolled], "that is its answer"),
    ]),
    Case::new("policy check", "").tells(),
];
