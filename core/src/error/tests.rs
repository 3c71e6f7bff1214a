// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an administrator reads when nothing could be judged: every fault with its kind, its sentence and its remedy.

use std::error::Error as _;

use rustix::io::Errno;

use super::*;

fn at() -> PathBuf {
    PathBuf::from("/srv/n/7")
}

/// Kind, sentence and remedy, as they stand in logs and on screens.
fn says(fault: &Fault, kind: &str, sentence: &str, remedy: &str) {
    assert_eq!((fault.kind(), fault.to_string().as_str(), fault.remedy().as_str()), (kind, sentence, remedy));
    assert_eq!(fault.path(), sentence.starts_with('/').then_some(Path::new("/srv/n/7")), "{sentence}");
    for text in [sentence, remedy] {
        assert!(!text.is_empty() && !text.contains('\n') && !text.ends_with('.'), "{text}");
    }
}

#[test]
fn every_fault_says_what_is_wrong_where_and_what_to_do() {
    const MOUNT: &str =
        "mount what is not mounted, or put /srv/n/7 back from a backup; on a new host, run 'nightlatch init'";
    const KEYS: &str = "mount what is not mounted, or put the keys back ('nightlatch key restore'); on a new host, run 'nightlatch init'";
    const STORE: &str = "mount what is not mounted, or put /srv/n/7 back from a backup ('nightlatch store restore FILE'); \
                         on a new host, run 'nightlatch init'";
    const KEY: &str =
        "put /srv/n/7 back ('nightlatch key restore', or a backup of the keys); without it its records cannot be read";
    const AGAIN: &str = "put /srv/n/7 back from a backup ('nightlatch store restore FILE'), or 'nightlatch remove --uid 7' and enroll again";
    let path = at();
    for (part, kind, sentence, remedy) in [
        (Part::Config, "missing", "config", "write /srv/n/7, or run 'nightlatch init'"),
        (Part::Key, "missing", "master key", KEY),
        (Part::Keys, "missing", "key directory", KEYS),
        (Part::Store, "missing", "store", STORE),
        (Part::Marker, "missing", "store marker", MOUNT),
        (Part::Users, "missing", "directory of people's files", STORE),
    ] {
        says(&Fault::Missing { path: path.clone(), part }, kind, &format!("/srv/n/7: no {sentence} there"), remedy);
    }
    for (part, sentence, remedy) in [
        (Part::Record, "the record is damaged", AGAIN),
        (Part::Ledger, "the ledger is damaged", AGAIN),
        (Part::Key, "the master key is damaged, or it is another", KEY),
        (Part::Marker, "the store marker is damaged", "put /srv/n/7 back from a backup"),
    ] {
        says(&Fault::Damaged { path: path.clone(), part }, "damaged", &format!("/srv/n/7: {sentence}"), remedy);
    }
    says(
        &Fault::Newer { path: path.clone(), version: 9 },
        "newer",
        "/srv/n/7: written by a newer nightlatch (format 9)",
        "update libpam-nightlatch and nightlatch on this host",
    );
    says(
        &Fault::Foreign { path: path.clone(), made_for: "ann".to_owned() },
        "foreign",
        "/srv/n/7: made for 'ann', not for the account that asks",
        "'nightlatch rebind USER --from-uid 7' if the account was renamed; else 'nightlatch remove --uid 7' and enroll again, \
         or rename the account back to 'ann'",
    );
    says(
        &Fault::Busy { path: path.clone() },
        "busy",
        "/srv/n/7: locked by another process for too long",
        "see who holds /srv/n/7 ('fuser -v /srv/n/7')",
    );
    says(
        &Fault::Restless { path: path.clone() },
        "busy",
        "/srv/n/7: replaced again and again while waiting for it",
        "try again",
    );
    says(
        &Fault::DoesNotFit { path: path.clone(), part: Part::Record },
        "size",
        "/srv/n/7: the record does not fit its place",
        "remove devices or backup codes of this account",
    );
    says(
        &Fault::KeyLost { path: path.clone() },
        "key-lost",
        "/srv/n/7: records are there, but not their key or not their marker",
        "put the key ('nightlatch key restore') and the marker that /srv/n/7 was made with back from a backup; to begin anew without these records, \
         move the store away first",
    );
    says(
        &Fault::StoreLost { path, keys: PathBuf::from("/etc/k") },
        "store-lost",
        "/srv/n/7: no store there, though /etc/k holds a key",
        "mount what is not mounted; for a new store, move the key out of /etc/k first",
    );
    for (fault, kind, sentence, remedy) in [
        (Fault::ClockBefore1970, "clock", "the wall clock stands before 1970", "set the host's clock (timedatectl)"),
        (Fault::ClockUnreadable, "clock", "the clock cannot be read", "set the host's clock (timedatectl)"),
        (
            Fault::NoRandomness,
            "randomness",
            "no random bytes from the kernel",
            "see why getrandom(2) fails on this host",
        ),
        (
            Fault::NoMemory,
            "memory",
            "not enough memory to check a backup code",
            "free memory, or raise the limit of the service that asked",
        ),
    ] {
        says(&fault, kind, sentence, remedy);
    }
}

#[test]
fn every_flaw_says_what_is_wrong_where_and_what_to_do() {
    for (flaw, sentence, remedy) in [
        (Flaw::Owner { uid: 7 }, "owned by uid 7, not by root", "see who changed it, then 'chown root:root /srv/n/7'"),
        (
            Flaw::WritableByOthers { mode: 0o620 },
            "mode 0620 lets group or others write",
            "see who wrote it, then 'chmod go-w /srv/n/7'",
        ),
        (
            Flaw::OpenToOthers { mode: 0o640 },
            "mode 0640 gives group or others access",
            "see who read it, then 'chmod go= /srv/n/7'",
        ),
        (Flaw::NotAFile, "not a regular file", "remove /srv/n/7 and put the real one back"),
        (Flaw::NotADirectory, "not a directory", "remove /srv/n/7 and put the real one back"),
        (
            Flaw::SymbolicLink,
            "a symbolic link",
            "put the real file or directory at /srv/n/7, or name its real path in config.toml if that names it",
        ),
        (Flaw::HardLinks { count: 2 }, "has 2 hard links", "remove the other names of /srv/n/7"),
        (Flaw::TooLarge { bytes: 9 }, "too large (9 bytes)", "put a sound /srv/n/7 back"),
        (Flaw::NotAbsolute, "not an absolute path without '.' and '..'", "write the path in full, beginning with '/'"),
    ] {
        says(&Fault::Untrusted { path: at(), flaw }, "untrusted", &format!("/srv/n/7: {sentence}"), remedy);
    }
}

#[test]
fn a_refusal_of_the_system_says_what_was_tried_why_it_failed_and_what_to_do() {
    for (errno, remedy) in [
        (Errno::NOSPC, "free space on the file system of /srv/n/7, or inodes if 'df -i' shows none"),
        (Errno::DQUOT, "free space on the file system of /srv/n/7, or inodes if 'df -i' shows none"),
        (Errno::ROFS, "the file system of /srv/n/7 is read-only: see the kernel's log, then mount it read-write"),
        (Errno::IO, "the disk under /srv/n/7 reports errors: see the kernel's log"),
        (Errno::MFILE, "raise the limit of open files of the service that asked"),
        (Errno::NFILE, "raise the limit of open files of the service that asked"),
        (Errno::OPNOTSUPP, "keep /srv/n/7 on a file system with RWF_DSYNC and renameat2 (ext4, xfs, btrfs, tmpfs)"),
        (Errno::NXIO, "see the kernel's log about the file system of /srv/n/7"),
    ] {
        let fault = Fault::io(&at(), "write", errno);
        says(&fault, "io", &format!("/srv/n/7: write: {}", std::io::Error::from(errno)), remedy);
        assert!(fault.source().is_some());
    }
    let source = std::io::Error::from(Errno::NOSPC);
    let no_block = Fault::NoBlock { path: at(), source };
    says(
        &no_block,
        "no-block",
        &format!(
            "/srv/n/7: no block to write the ledger to, since a snapshot or a copy shares its own: {}",
            std::io::Error::from(Errno::NOSPC)
        ),
        "free space on the file system of /srv/n/7, then 'nightlatch doctor --mend'",
    );
    for errno in [Errno::ACCESS, Errno::PERM] {
        says(
            &Fault::io(&at(), "open", errno),
            "denied",
            "/srv/n/7: permission denied",
            "run as root; programs without root (screen lockers) cannot ask for a code",
        );
    }
}
