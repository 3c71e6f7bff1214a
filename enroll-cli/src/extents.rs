// SPDX-License-Identifier: MIT OR Apache-2.0
//! What FIEMAP says of a file, in the words of the store.

use std::io;
use std::os::fd::BorrowedFd;

use fiemap::{FiemapExtent, FiemapExtentFlags, FiemapFlags};
use nightlatch::store::{Blocks, Extent, FileMap};

/// More than a person's file can have, at a sector each. What is beyond is not asked for, and then is not there.
const MOST: usize = 64;

/// The kernel's answer.
pub(crate) struct Fiemap;

impl FileMap for Fiemap {
    fn extents(&self, file: BorrowedFd<'_>) -> io::Result<Vec<Extent>> {
        // Flushed first: what a copy has written a moment ago has no blocks yet, and would look like a hole.
        let extents = fiemap::Fiemap::with_flags(file, FiemapFlags::SYNC);
        extents.take(MOST).map(|extent| extent.map(in_our_words)).collect()
    }
}

fn in_our_words(extent: FiemapExtent) -> Extent {
    Extent { start: extent.fe_logical, bytes: extent.fe_length, blocks: blocks(extent.fe_flags) }
}

fn blocks(flags: FiemapExtentFlags) -> Blocks {
    use FiemapExtentFlags as Flags;
    // What the file system encrypts is encoded too, and is overwritten in place.
    let is_compressed = flags.contains(Flags::ENCODED) && !flags.contains(Flags::DATA_ENCRYPTED);
    if flags.contains(Flags::SHARED) {
        Blocks::Shared
    } else if is_compressed || flags.intersects(Flags::DATA_INLINE | Flags::DATA_TAIL) {
        Blocks::Packed
    } else if flags.intersects(Flags::UNWRITTEN | Flags::DELALLOC | Flags::UNKNOWN) {
        Blocks::Unwritten
    } else {
        Blocks::Own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_plain_written_blocks_is_a_file_s_own() {
        use FiemapExtentFlags as Flags;
        for own in [Flags::empty(), Flags::LAST, Flags::LAST | Flags::MERGED, Flags::ENCODED | Flags::DATA_ENCRYPTED] {
            assert_eq!(blocks(own), Blocks::Own, "{own:?}");
        }
        for (flags, expected) in [
            (Flags::SHARED | Flags::LAST, Blocks::Shared),
            (Flags::SHARED | Flags::ENCODED, Blocks::Shared),
            (Flags::ENCODED, Blocks::Packed),
            (Flags::DATA_INLINE | Flags::NOT_ALIGNED, Blocks::Packed),
            (Flags::DATA_TAIL, Blocks::Packed),
            (Flags::UNWRITTEN, Blocks::Unwritten),
            (Flags::DELALLOC | Flags::UNKNOWN, Blocks::Unwritten),
            (Flags::UNKNOWN, Blocks::Unwritten),
        ] {
            assert_eq!(blocks(flags), expected, "{flags:?}");
        }
    }
}
