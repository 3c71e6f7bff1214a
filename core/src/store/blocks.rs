// SPDX-License-Identifier: MIT OR Apache-2.0
//! The blocks under a person's file. A login overwrites a slot in place, so that it asks the file system for no block;
//! that holds only while the slot's blocks are there, are written, and are the file's alone.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::IFlags;
use rustix::io::Errno;

use crate::store::layout::{BLOCK, FILE_BYTES};

/// A stretch of a file and what the file system has behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Its first byte in the file.
    pub start: u64,
    /// Its length.
    pub bytes: u64,
    /// What is behind it.
    pub blocks: Blocks,
}

/// What the file system has behind a stretch of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// Written blocks of this file alone: overwritten in place.
    Own,
    /// Another file or a snapshot has them too: an overwrite goes to new ones.
    Shared,
    /// Promised, but not written.
    Unwritten,
    /// Inside metadata, or compressed: an overwrite is written elsewhere.
    Packed,
}

/// FIEMAP, as a value: it takes `unsafe`, and the module never asks for it.
pub trait FileMap {
    /// The extents of a file, holes left out.
    ///
    /// # Errors
    ///
    /// As the system gives them; EOPNOTSUPP and ENOTTY where the file system does not tell.
    fn extents(&self, file: BorrowedFd<'_>) -> std::io::Result<Vec<Extent>>;
}

/// Why a login may ask for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockFlaw {
    /// A snapshot or a copy shares them.
    Shared,
    /// A hole, or promised and not written.
    NotThere,
    /// Inside metadata, or compressed.
    Packed,
    /// The file system copies on write, and was not told to leave this file alone (btrfs without NOCOW).
    CopyOnWrite,
}

/// What is known of the blocks that a login overwrites.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Footing {
    Firm,
    Flawed(BlockFlaw),
    /// The file system tells nothing.
    Unknown,
}

const BTRFS_MAGIC: i64 = 0x9123_683e;
const TMPFS_MAGIC: i64 = 0x0102_1994;

/// Whether files in this directory, or this file, would be copied on write.
pub(crate) fn copies_on_write(fd: impl AsFd) -> Result<bool, Errno> {
    if rustix::fs::fstatfs(&fd)?.f_type != BTRFS_MAGIC {
        return Ok(false);
    }
    Ok(!rustix::fs::ioctl_getflags(fd)?.contains(IFlags::NOCOW))
}

/// Has the files that are made in a directory from now on overwritten in place.
pub(crate) fn forbid_copy_on_write(directory: impl AsFd) -> Result<(), Errno> {
    if copies_on_write(&directory)? {
        let flags = rustix::fs::ioctl_getflags(&directory)?;
        rustix::fs::ioctl_setflags(directory, flags | IFlags::NOCOW)?;
    }
    Ok(())
}

/// Looks at the blocks under both slots. The record's do not matter: whatever writes it writes the whole file anew.
pub(crate) fn footing(file: &File, map: &dyn FileMap) -> Result<Footing, Errno> {
    if copies_on_write(file)? {
        return Ok(Footing::Flawed(BlockFlaw::CopyOnWrite));
    }
    match map.extents(file.as_fd()) {
        Ok(extents) => Ok(under_the_slots(&extents)),
        Err(error) => match error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error) {
            Errno::OPNOTSUPP | Errno::NOTTY => untold(file),
            errno => Err(errno),
        },
    }
}

/// tmpfs has no map and shares nothing; it only may have holes.
fn untold(file: &File) -> Result<Footing, Errno> {
    if rustix::fs::fstatfs(file)?.f_type != TMPFS_MAGIC {
        return Ok(Footing::Unknown);
    }
    let sectors = u64::try_from(rustix::fs::fstat(file)?.st_blocks).unwrap_or(0);
    let is_whole = sectors.saturating_mul(512) >= bytes(FILE_BYTES);
    Ok(if is_whole { Footing::Firm } else { Footing::Flawed(BlockFlaw::NotThere) })
}

fn under_the_slots(extents: &[Extent]) -> Footing {
    let (from, to) = (bytes(BLOCK), bytes(FILE_BYTES));
    let mut own = 0_u64;
    for extent in extents {
        let end = extent.start.saturating_add(extent.bytes).min(to);
        let under = end.saturating_sub(extent.start.max(from));
        match extent.blocks {
            _ if under == 0 => {}
            Blocks::Own => own = own.saturating_add(under),
            Blocks::Shared => return Footing::Flawed(BlockFlaw::Shared),
            Blocks::Packed => return Footing::Flawed(BlockFlaw::Packed),
            Blocks::Unwritten => return Footing::Flawed(BlockFlaw::NotThere),
        }
    }
    if own == to.saturating_sub(from) { Footing::Firm } else { Footing::Flawed(BlockFlaw::NotThere) }
}

fn bytes(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(start: u64, bytes: u64, blocks: Blocks) -> Extent {
        Extent { start, bytes, blocks }
    }

    #[test]
    fn only_written_blocks_of_its_own_under_both_slots_are_firm() {
        for whole in [
            vec![extent(0, 12_288, Blocks::Own)],
            vec![extent(0, 1 << 20, Blocks::Own)],
            vec![extent(0, 5000, Blocks::Own), extent(5000, 7288, Blocks::Own)],
            vec![extent(4096, 8192, Blocks::Own)],
        ] {
            assert_eq!(under_the_slots(&whole), Footing::Firm, "{whole:?}");
        }
        for (holed, flaw) in [
            (vec![], BlockFlaw::NotThere),
            (vec![extent(0, 12_287, Blocks::Own)], BlockFlaw::NotThere),
            (vec![extent(0, 8192, Blocks::Own)], BlockFlaw::NotThere),
            (vec![extent(0, 5120, Blocks::Own), extent(6144, 6144, Blocks::Own)], BlockFlaw::NotThere),
            (vec![extent(0, 8192, Blocks::Own), extent(8192, 4096, Blocks::Unwritten)], BlockFlaw::NotThere),
            (vec![extent(0, 8192, Blocks::Own), extent(8192, 4096, Blocks::Shared)], BlockFlaw::Shared),
            (vec![extent(0, 4097, Blocks::Shared), extent(4097, 8191, Blocks::Own)], BlockFlaw::Shared),
            (vec![extent(0, 12_288, Blocks::Packed)], BlockFlaw::Packed),
        ] {
            assert_eq!(under_the_slots(&holed), Footing::Flawed(flaw), "{holed:?}");
        }
    }

    /// After a snapshot the first two logins take blocks of their own for the slots; the record's stay shared.
    #[test]
    fn a_shared_record_asks_for_no_block_at_a_login() {
        let extents = [extent(0, 4096, Blocks::Shared), extent(4096, 8192, Blocks::Own)];
        assert_eq!(under_the_slots(&extents), Footing::Firm);
    }
}
