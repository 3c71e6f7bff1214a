// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys and records: owner, mode, damage and blocks, which core looks at; keys that nobody uses; the disk under them.

use std::path::Path;

use nightlatch::store::{self, Finding as InStore};
use rustix::fs::{StatVfs, StatVfsMountFlags};

use super::kind::Word;
use super::{Finding, Kind, Machine, Report, Subject};
use crate::extents::Fiemap;
use crate::failure::Failure;
use crate::site::Site;

/// Some dozens of records; on a small disk a twentieth of it.
const LEAST_BYTES: u64 = 1 << 20;

pub(super) fn examine(machine: &Machine<'_>, report: &mut Report) {
    let Some(site) = machine.site else {
        return report.skipped(Subject::Store, "the config, which says where it is, cannot be read");
    };
    let found = store::survey(&site.config, &site.random, &Fiemap);
    let is_sound = found.is_empty();
    found.iter().map(of_the_store).for_each(|finding| report.found(finding));
    for key in store::unused_keys(&site.config, &site.random).unwrap_or_default() {
        let message = format!("{}: no marker, record or invitation is sealed under this key", key.display());
        let remedy = format!("where no backup of the store needs it any more: 'rm {}'", key.display());
        report.found(Finding::new(Word::KeyUnused.into(), message, remedy).at(key));
    }
    match rustix::fs::statvfs(site.config.store()) {
        Ok(disk) => of_the_disk(site.config.store(), &disk).into_iter().for_each(|finding| report.found(finding)),
        Err(errno) => {
            report.skipped(Subject::Store, format!("the disk under {}: {errno}", site.config.store().display()));
        }
    }
    let people = site.store().and_then(|store| store.people().map_err(Failure::from)).map_or(0, |people| people.len());
    let word = if is_sound { "sound" } else { "looked at" };
    let records = if people == 1 { "record" } else { "records" };
    report.looked(Subject::Store, format!("keys, store and {people} {records}: {word}"));
}

fn of_the_store(finding: &InStore) -> Finding {
    let made = Finding::new(Kind::Store(finding.kind()), finding.to_string(), finding.remedy());
    match finding.path() {
        Some(path) => made.at(path),
        None => made,
    }
}

fn of_the_disk(store: &Path, disk: &StatVfs) -> Option<Finding> {
    let path = store.display();
    if disk.f_flag.contains(StatVfsMountFlags::RDONLY) {
        let message = format!("{path}: its file system is read-only, so that every code is refused");
        let remedy = format!("see the kernel's log, mend the disk, then 'mount -o remount,rw' what {path} lies on");
        return Some(Finding::new(Word::DiskReadOnly.into(), message, remedy).at(store));
    }
    // ramfs and the like have no size.
    if disk.f_blocks == 0 {
        return None;
    }
    let bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
    let least = LEAST_BYTES.min(disk.f_blocks.saturating_mul(disk.f_frsize) / 20);
    let no_names = disk.f_files > 0 && disk.f_favail == 0;
    (bytes < least || no_names).then(|| {
        let left = if no_names { "no inode is left".to_owned() } else { format!("{} KiB are left", bytes >> 10) };
        let message = format!("{path}: {left} on its file system; logins go on, enrollments fail");
        Finding::new(Word::DiskFull.into(), message, format!("free space under {path}")).at(store)
    })
}

/// Has core write anew what it can; whether something was done.
pub(crate) fn mend(site: &Site) -> Result<bool, Failure> {
    let findings = store::survey(&site.config, &site.random, &Fiemap);
    Ok(store::mend(&site.config, &site.random, &findings, site.now()?.wall)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(free_blocks: u64, free_inodes: u64, flags: StatVfsMountFlags) -> StatVfs {
        StatVfs {
            f_bsize: 4096,
            f_frsize: 4096,
            f_blocks: 1_000_000,
            f_bfree: free_blocks,
            f_bavail: free_blocks,
            f_files: 1000,
            f_ffree: free_inodes,
            f_favail: free_inodes,
            f_fsid: 0,
            f_flag: flags,
            f_namemax: 255,
        }
    }

    #[test]
    fn a_disk_that_takes_no_more_is_found_and_one_that_does_is_not() {
        let word = |disk: &StatVfs| of_the_disk(Path::new("/s"), disk).map(|finding| finding.kind.name());
        assert_eq!(word(&disk(100_000, 10, StatVfsMountFlags::NOSUID)), None);
        assert_eq!(word(&disk(10, 10, StatVfsMountFlags::empty())), Some("disk-full"));
        assert_eq!(word(&disk(100_000, 0, StatVfsMountFlags::empty())), Some("disk-full"));
        assert_eq!(word(&disk(0, 0, StatVfsMountFlags::RDONLY)), Some("disk-read-only"));
        let small = |free| StatVfs { f_blocks: 500, ..disk(free, 10, StatVfsMountFlags::empty()) };
        assert_eq!([word(&small(100)), word(&small(20))], [None, Some("disk-full")]);
        assert_eq!(word(&StatVfs { f_blocks: 0, ..disk(0, 0, StatVfsMountFlags::empty()) }), None);
    }
}
