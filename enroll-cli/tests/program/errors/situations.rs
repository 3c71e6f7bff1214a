// SPDX-License-Identifier: MIT OR Apache-2.0
//! What goes wrong: each situation with its title, for which commands there is such a thing, and how it is brought about.

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;

use super::commands::{Case, Start};
use crate::host::Host;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Situation {
    Nothing,
    NotRoot,
    NotInitialised,
    NoConfig,
    WrongConfig,
    OthersConfig,
    OpenConfig,
    NoKeys,
    NoKey,
    OtherKey,
    HalfKey,
    OpenKey,
    NoMarker,
    Marker,
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
    SlotA,
    SlotB,
    Slots,
    Short,
    UnknownUser,
    NoUserName,
    NotEnrolled,
    EnrolledAlready,
    Locked,
    FullDisk,
    ReadOnlyDisk,
    FullOutput,
    NoReader,
    NoTerminal,
}

use Situation::*;

pub(crate) const SITUATIONS: &[(Situation, &str)] = &[
    (Nothing, "nothing is wrong; no terminal, an empty environment"),
    (NotRoot, "not root"),
    (NotInitialised, "not initialised: neither store nor keys"),
    (NoConfig, "the config that was named is not there"),
    (WrongConfig, "a wrong line in the config"),
    (OthersConfig, "the config is somebody else's"),
    (OpenConfig, "everybody may write the config"),
    (NoKeys, "the key directory is not there"),
    (NoKey, "the master key is not there"),
    (OtherKey, "another master key under its name"),
    (HalfKey, "half of the master key"),
    (OpenKey, "everybody may read the master key"),
    (NoMarker, "the store's marker is not there"),
    (Marker, "a flipped byte in the store's marker"),
    (NoStore, "the store is not there, the keys are"),
    (NotMounted, "an empty directory in the store's place: not mounted"),
    (OpenStore, "everybody may read the store's directory"),
    (OthersStore, "the store's directory is somebody else's"),
    (LinkedRecord, "a symbolic link in a record's place"),
    (OpenRecord, "everybody may read a record"),
    (Denied, "root may not open a record (SELinux, AppArmor, a container)"),
    (Header, "a flipped byte in a record's header"),
    (NewerHeader, "a record of a newer version"),
    (OthersHeader, "a record that was made for another name: a renamed account"),
    (OtherKeysHeader, "a flipped byte where the header names the key"),
    (Sealed, "a flipped byte in the sealed record"),
    (SlotA, "a flipped byte in ledger slot A"),
    (SlotB, "a flipped byte in ledger slot B"),
    (Slots, "a flipped byte in both ledger slots"),
    (Short, "half of a record"),
    (UnknownUser, "no such account, or no record of that uid"),
    (NoUserName, "what is named is no user name"),
    (NotEnrolled, "somebody who is not enrolled"),
    (EnrolledAlready, "somebody who is enrolled already"),
    (Locked, "another process holds the locks"),
    (FullDisk, "the disk is full"),
    (ReadOnlyDisk, "the disk is read-only"),
    (FullOutput, "stdout is a full disk"),
    (NoReader, "stdout is a pipe that nobody reads"),
    (NoTerminal, "a person would be asked, and there is no terminal"),
];

/// daemon's uid, who is enrolled; bin's, who is not.
pub(crate) const ENROLLED: (&str, u32) = ("daemon", 1);
const NOT_ENROLLED: (&str, u32) = ("bin", 2);
/// Whose account is called otherwise by now, as far as anybody can tell: no account has it.
pub(crate) const RENAMED: u32 = 5001;
/// No account has it, in the images of Debian.
const NOBODYS_UID: u32 = 54_321;

impl Situation {
    /// Whether there is such a thing for the command.
    pub(crate) fn concerns(self, case: &Case) -> bool {
        let names_somebody = case.words.contains("{user}");
        let stands = case.start != Start::Fresh;
        match self {
            // It makes the config, and then what that names: the places of the machine that the test runs on.
            NoConfig => case.command != "init",
            Nothing | NotRoot | NotInitialised | WrongConfig | OthersConfig | OpenConfig | FullDisk | ReadOnlyDisk
            | FullOutput | NoReader => true,
            NoKeys | NoKey | OtherKey | HalfKey | OpenKey | NoMarker | Marker | NoStore | NotMounted | OpenStore
            | OthersStore | LinkedRecord | OpenRecord | Denied | Header | NewerHeader | OthersHeader
            | OtherKeysHeader | Sealed | SlotA | SlotB | Slots | Short | Locked => stands,
            UnknownUser => names_somebody || case.words.contains("{uid}"),
            NoUserName => names_somebody,
            NotEnrolled => names_somebody && case.start == Start::Enrolled,
            EnrolledAlready => names_somebody && case.start == Start::NotEnrolled,
            NoTerminal => case.asks.is_some(),
        }
    }

    /// Whom the command is for.
    pub(crate) fn user(self, case: &Case) -> (&'static str, u32) {
        match self {
            UnknownUser => ("nosuchuser", NOBODYS_UID),
            NoUserName => ("al:ice", NOBODYS_UID),
            NotEnrolled => NOT_ENROLLED,
            EnrolledAlready => ENROLLED,
            // Whose record it is that is spoilt.
            LinkedRecord | OpenRecord | Denied | Header | NewerHeader | OthersHeader | OtherKeysHeader | Sealed
            | SlotA | SlotB | Slots | Short
                if case.record == ENROLLED.1 =>
            {
                ENROLLED
            }
            LinkedRecord | OpenRecord | Denied | Header | NewerHeader | OthersHeader | OtherKeysHeader | Sealed
            | SlotA | SlotB | Slots | Short | Nothing | NotRoot | NotInitialised | NoConfig | WrongConfig
            | OthersConfig | OpenConfig | NoKeys | NoKey | OtherKey | HalfKey | OpenKey | NoMarker | Marker
            | NoStore | NotMounted | OpenStore | OthersStore | Locked | FullDisk | ReadOnlyDisk | FullOutput
            | NoReader | NoTerminal => match case.start {
                Start::Fresh | Start::Enrolled => ENROLLED,
                Start::NotEnrolled => NOT_ENROLLED,
            },
        }
    }

    /// Whether what was asked for is done before the failure; the sentence then says so.
    pub(crate) fn comes_too_late(self) -> bool {
        matches!(self, FullOutput | NoReader)
    }

    /// Spoils the files of a host.
    pub(crate) fn spoil(self, host: &Host, uid: u32) {
        let (config, keys, store) = (host.config(), host.path("keys"), host.path("store"));
        let (record, marker) = (host.record(uid), store.join("store"));
        match self {
            Nothing | NotRoot | NotInitialised | UnknownUser | NoUserName | NotEnrolled | EnrolledAlready | Locked
            | FullDisk | ReadOnlyDisk | FullOutput | NoReader | NoTerminal => {}
            NoConfig => fs::remove_file(config).unwrap(),
            WrongConfig => fs::write(config, "stroe = '/var/lib/nightlatch'\n").unwrap(),
            OthersConfig => chown(config, Some(1), None).unwrap(),
            OpenConfig => set_mode(&config, 0o666),
            NoKeys => fs::remove_dir_all(keys).unwrap(),
            NoKey => fs::remove_file(the_key(&keys)).unwrap(),
            OtherKey => fs::write(the_key(&keys), [7; 32]).unwrap(),
            HalfKey => fs::write(the_key(&keys), [7; 16]).unwrap(),
            OpenKey => set_mode(&the_key(&keys), 0o444),
            NoMarker => fs::remove_file(marker).unwrap(),
            Marker => flip(&marker, 520),
            NoStore => fs::remove_dir_all(store).unwrap(),
            NotMounted => {
                fs::remove_dir_all(&store).unwrap();
                fs::create_dir(&store).unwrap();
                set_mode(&store, 0o700);
            }
            OpenStore => set_mode(&store, 0o755),
            OthersStore => chown(store, Some(1), None).unwrap(),
            LinkedRecord => {
                fs::rename(&record, host.path("elsewhere")).unwrap();
                symlink(host.path("elsewhere"), record).unwrap();
            }
            OpenRecord => set_mode(&record, 0o644),
            Denied => set_mode(&record, 0),
            Header => flip(&record, 0),
            NewerHeader => overwrite(&record, 11, &[9]),
            OthersHeader => overwrite(&record, 51, b"deamon"),
            OtherKeysHeader => flip(&record, 16),
            Sealed => flip(&record, 600),
            SlotA => flip(&record, 4096 + 60),
            SlotB => flip(&record, 8192 + 60),
            Slots => {
                flip(&record, 4096 + 60);
                flip(&record, 8192 + 60);
            }
            Short => fs::OpenOptions::new().write(true).open(record).unwrap().set_len(6000).unwrap(),
        }
    }
}

pub(crate) fn the_key(keys: &Path) -> std::path::PathBuf {
    fs::read_dir(keys).unwrap().next().unwrap().unwrap().path()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn overwrite(path: &Path, offset: u64, bytes: &[u8]) {
    fs::OpenOptions::new().write(true).open(path).unwrap().write_all_at(bytes, offset).unwrap();
}

fn flip(path: &Path, offset: u64) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 1], offset).unwrap();
}
