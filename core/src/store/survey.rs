// SPDX-License-Identifier: MIT OR Apache-2.0
//! The store looked over before anybody is locked out: places that are not root's alone, records that do not open,
//! slots for which a login on a full disk would ask in vain. Looking changes nothing; mending rewrites, under the lock.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::clock::UnixTime;
use crate::config::Config;
use crate::error::{Fault, OrFault};
use crate::random::Random;
use crate::store::blocks::{self, BlockFlaw, FileMap, Footing};
use crate::store::keys::Keyring;
use crate::store::{LockFailure, Store, lock, place};
use crate::trusted::OpenFile;

/// Something that is wrong, or will be on a full disk.
#[derive(Debug)]
pub enum Finding {
    /// Logins that come by there are refused.
    Fault(Fault),
    /// A login of this uid may ask for a block; without one it is refused.
    Blocks {
        /// The person's file.
        path: PathBuf,
        /// Its name.
        uid: u32,
        /// Why.
        flaw: BlockFlaw,
    },
    /// Files that are made in the directory would be copied on write.
    CopyOnWrite {
        /// The directory of people's files.
        path: PathBuf,
    },
    /// The file system does not say what is under its files.
    BlocksUnknown {
        /// The directory of people's files.
        path: PathBuf,
    },
    /// One of two ledger slots does not unseal.
    SlotLost {
        /// The person's file.
        path: PathBuf,
    },
}

/// Looks the store over. An empty list means that nothing was found.
#[must_use]
pub fn survey(config: &Config, random: &dyn Random, map: &dyn FileMap) -> Vec<Finding> {
    let mut findings = in_keys(config).unwrap_or_else(|fault| vec![fault.into()]);
    let in_store = Store::open(config, random).and_then(|store| store.look(map));
    findings.extend(in_store.unwrap_or_else(|fault| vec![fault.into()]));
    // A key that is gone is met again at each record.
    let mut said = HashSet::new();
    findings.retain(|finding| said.insert(finding.to_string()));
    findings
}

/// Has the files written anew, and the directory not copied on write, where that is what was found. Whether something
/// was done.
///
/// # Errors
///
/// The first [`Fault`], after all that can be mended is.
pub fn mend(config: &Config, random: &dyn Random, findings: &[Finding], now: UnixTime) -> Result<bool, Fault> {
    let store = Store::open(config, random)?;
    let mut mended = Ok(false);
    // The directory first: a file takes after it when it is made.
    if findings.iter().any(|finding| matches!(finding, Finding::CopyOnWrite { .. })) {
        blocks::forbid_copy_on_write(&store.users).or_fault(store.users.path(), "set NOCOW")?;
        mended = Ok(true);
    }
    for finding in findings {
        if let Finding::Blocks { uid, .. } = finding {
            mended = match (mended, store.write_anew(*uid, now)) {
                (Ok(before), Ok(written)) => Ok(before || written),
                (Err(first), _) | (Ok(_), Err(first)) => Err(first),
            };
        }
    }
    mended
}

fn in_keys(config: &Config) -> Result<Vec<Finding>, Fault> {
    let keyring = Keyring::open(config.keys())?;
    Ok(keyring.ids()?.into_iter().filter_map(|id| keyring.load(id).err()).map(Finding::from).collect())
}

impl From<Fault> for Finding {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Store<'_> {
    fn look(&self, map: &dyn FileMap) -> Result<Vec<Finding>, Fault> {
        let mut findings: Vec<Finding> = self.marker_key().err().map(Finding::from).into_iter().collect();
        if blocks::copies_on_write(&self.users).or_fault(self.users.path(), "read flags")? {
            findings.push(Finding::CopyOnWrite { path: self.users.path().to_owned() });
        }
        let mut uids = self.uids()?;
        uids.sort_unstable();
        for uid in uids {
            findings.extend(self.look_at(uid, map).unwrap_or_else(|fault| vec![fault.into()]));
        }
        Ok(findings)
    }

    /// Whose record does not open is refused, whatever is under it: nothing more is said.
    fn look_at(&self, uid: u32, map: &dyn FileMap) -> Result<Vec<Finding>, Fault> {
        let in_the_record = self.in_the_record(uid)?;
        Ok(in_the_record.into_iter().chain(self.under_the_slots(uid, map)?).collect())
    }

    fn under_the_slots(&self, uid: u32, map: &dyn FileMap) -> Result<Option<Finding>, Fault> {
        let path = self.users.path().join(lock::file_name(uid));
        let Some(OpenFile { file, .. }) = lock::open_person(&self.users, uid, OFlags::RDONLY)? else {
            return Ok(None);
        };
        Ok(match blocks::footing(&file, map).or_fault(&path, "map")? {
            Footing::Firm => None,
            Footing::Flawed(flaw) => Some(Finding::Blocks { path, uid, flaw }),
            Footing::Unknown => Some(Finding::BlocksUnknown { path: self.users.path().to_owned() }),
        })
    }

    fn in_the_record(&self, uid: u32) -> Result<Option<Finding>, Fault> {
        match self.lock_uid(uid) {
            Ok(locked) => {
                let open = locked.open_as_made()?;
                Ok(open.has_lost_a_slot().then(|| Finding::SlotLost { path: open.path().to_owned() }))
            }
            // Removed since the list was read.
            Err(LockFailure::NotEnrolled(_)) => Ok(None),
            Err(LockFailure::Fault(fault)) => Err(fault),
        }
    }

    fn write_anew(&self, uid: u32, now: UnixTime) -> Result<bool, Fault> {
        match self.lock_uid(uid) {
            Ok(locked) => {
                let open = locked.open_as_made()?;
                let ledger = open.ledger_to_carry(now);
                place::rewrite(open, &ledger).map(|()| true)
            }
            Err(LockFailure::NotEnrolled(_)) => Ok(false),
            Err(LockFailure::Fault(fault)) => Err(fault),
        }
    }
}

impl Finding {
    /// One word for machines; part of the CLI's interface.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Fault(fault) => fault.kind(),
            Self::Blocks { flaw: BlockFlaw::Shared, .. } => "blocks-shared",
            Self::Blocks { flaw: BlockFlaw::NotThere, .. } => "blocks-not-there",
            Self::Blocks { flaw: BlockFlaw::Packed, .. } => "blocks-packed",
            Self::Blocks { flaw: BlockFlaw::CopyOnWrite, .. } | Self::CopyOnWrite { .. } => "copy-on-write",
            Self::BlocksUnknown { .. } => "blocks-unknown",
            Self::SlotLost { .. } => "slot-lost",
        }
    }

    /// The file or directory that this is about.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Fault(fault) => fault.path(),
            Self::Blocks { path, .. }
            | Self::CopyOnWrite { path }
            | Self::BlocksUnknown { path }
            | Self::SlotLost { path } => Some(path),
        }
    }

    /// What an administrator does about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Fault(fault) => fault.remedy(),
            Self::Blocks { flaw: BlockFlaw::Shared, .. } => {
                "'nightlatch doctor --mend' writes it anew; keep the store out of snapshots, and copy it with \
                 'cp --reflink=never'"
                    .to_owned()
            }
            Self::Blocks { .. } | Self::CopyOnWrite { .. } => {
                "'nightlatch doctor --mend' writes it anew, with blocks of its own".to_owned()
            }
            Self::BlocksUnknown { .. } => "keep the store on ext4, xfs, btrfs or tmpfs".to_owned(),
            Self::SlotLost { path } => {
                format!("the next login repairs it; see the kernel's log about the disk under {}", path.display())
            }
        }
    }
}

/// In lower case, with the path; the remedy stands apart.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => write!(f, "{fault}"),
            Self::Blocks { path, flaw, .. } => write!(
                f,
                "{}: {}; on a full disk this person's logins are refused",
                path.display(),
                match flaw {
                    BlockFlaw::Shared => "a snapshot or a copy shares its blocks",
                    BlockFlaw::NotThere => "it has holes, or blocks that were never written",
                    BlockFlaw::Packed => "it is compressed or kept in metadata",
                    BlockFlaw::CopyOnWrite => "it is copied on write",
                }
            ),
            Self::CopyOnWrite { path } => write!(
                f,
                "{}: files made in it are copied on write; on a full disk these people's logins are refused",
                path.display()
            ),
            Self::BlocksUnknown { path } => write!(
                f,
                "{}: its file system does not tell whose blocks are whose; on a full disk logins may be refused",
                path.display()
            ),
            Self::SlotLost { path } => write!(f, "{}: one of two ledger slots is lost", path.display()),
        }
    }
}
