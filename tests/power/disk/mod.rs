// SPDX-License-Identifier: MIT OR Apache-2.0
//! A disk that loses power: what programs see of a directory, and everything that may be left of it. Whatever was not
//! flushed may be there or not, sector by sector and name by name, in any order. It knows no journal and no barrier, so
//! it allows more than any real file system does.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

pub mod recording;
pub mod referee;

use std::collections::{BTreeMap, BTreeSet};

const SECTOR: usize = 512;
const PAGE: usize = 4096;
/// A write within one sector is torn inside it too, after so many bytes: in the sequence, its complement, the length, the
/// nonce and what is sealed. Disks promise that this does not happen; it costs little not to rely on it.
const TORN_AFTER: [usize; 5] = [4, 12, 17, 40, 90];
/// Up to so many contents of one file are tried all; of more, each kind of order.
const ALL_ORDERS: usize = 600;

/// Files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What a program did to the directory, or said.
#[derive(Debug, Clone)]
pub enum Op {
    Make {
        name: String,
    },
    Write {
        name: String,
        offset: usize,
        bytes: Vec<u8>,
        flushed: bool,
    },
    /// A write with a flush that failed: the bytes may be on the disk or not, and no later flush brings them there.
    FailedWrite {
        name: String,
        offset: usize,
        bytes: Vec<u8>,
    },
    Flush {
        name: String,
    },
    /// Nothing is on the disk for sure, and the kernel takes the pages for clean.
    FailedFlush {
        name: String,
    },
    FlushDirectory,
    Rename {
        from: String,
        to: String,
    },
    Remove {
        name: String,
    },
    /// The pages are dropped: who reads next sees the disk.
    Forget {
        name: String,
    },
    Answer {
        text: String,
    },
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Sector {
    seen: Vec<u8>,
    /// What the disk may hold, oldest first.
    disk: Vec<Vec<u8>>,
    dirty: bool,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Inode {
    sectors: Vec<Sector>,
    length: usize,
    lengths_on_disk: Vec<usize>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Link(String, usize),
    Rename(String, String, usize),
    Unlink(String),
}

/// A directory, as programs see it and as it may be found after a power cut.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Disk {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    names_on_disk: BTreeMap<String, usize>,
    unflushed: Vec<Change>,
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

impl Sector {
    fn settle(&mut self) {
        self.disk = vec![self.seen.clone()];
        self.dirty = false;
    }
}

impl Inode {
    fn holding(bytes: &[u8]) -> Self {
        let mut inode = Self { lengths_on_disk: vec![0], ..Self::default() };
        inode.write(0, bytes);
        inode.flush();
        inode
    }

    /// In the page cache; the disk may get any part of it at any time.
    fn write(&mut self, offset: usize, bytes: &[u8]) -> std::ops::Range<usize> {
        let end = offset + bytes.len();
        let zeros = || Sector { seen: vec![0; SECTOR], disk: vec![vec![0; SECTOR]], dirty: false };
        while self.sectors.len() * SECTOR < end {
            self.sectors.push(zeros());
        }
        let covered = offset / SECTOR..end.div_ceil(SECTOR);
        for n in covered.clone() {
            let sector = &mut self.sectors[n];
            let before = sector.seen.clone();
            let (from, to) = (offset.max(n * SECTOR), end.min((n + 1) * SECTOR));
            sector.seen[from - n * SECTOR..to - n * SECTOR].copy_from_slice(&bytes[from - offset..to - offset]);
            if covered.len() == 1 {
                for after in
                    TORN_AFTER.iter().map(|after| from - n * SECTOR + after).filter(|after| *after < to - n * SECTOR)
                {
                    let torn = [&sector.seen[..after], &before[after..]].concat();
                    push_new(&mut sector.disk, torn);
                }
            }
            push_new(&mut sector.disk, sector.seen.clone());
            sector.dirty = true;
        }
        for length in (self.length + 1..end).filter(|length| length % PAGE == 0).chain([end]) {
            if length > self.length {
                push_new(&mut self.lengths_on_disk, length);
            }
        }
        self.length = self.length.max(end);
        covered
    }

    fn flush(&mut self) {
        self.sectors.iter_mut().filter(|sector| sector.dirty).for_each(Sector::settle);
        self.lengths_on_disk = vec![self.length];
    }

    fn seen(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.sectors.iter().flat_map(|sector| sector.seen.clone()).collect();
        bytes.truncate(self.length);
        bytes
    }

    /// Which of its possible contents each sector has.
    fn orders(&self) -> Vec<Vec<usize>> {
        let open: Vec<usize> = (0..self.sectors.len()).filter(|n| self.sectors[*n].disk.len() > 1).collect();
        let product = open.iter().try_fold(1_usize, |product, n| product.checked_mul(self.sectors[*n].disk.len()));
        let oldest = vec![0; self.sectors.len()];
        if product.is_some_and(|product| product <= ALL_ORDERS) {
            let mut orders = vec![oldest];
            for n in open {
                let choices = 0..self.sectors[n].disk.len();
                let with = |order: &Vec<usize>, choice| {
                    let mut order = order.clone();
                    order[n] = choice;
                    order
                };
                orders =
                    orders.iter().flat_map(|order| choices.clone().map(move |choice| with(order, choice))).collect();
            }
            return orders;
        }
        let newest = |is_new: &dyn Fn(usize) -> bool| {
            let mut order = oldest.clone();
            for (_, n) in open.iter().enumerate().filter(|(place, _)| is_new(*place)) {
                order[*n] = self.sectors[*n].disk.len() - 1;
            }
            order
        };
        let mut orders = Vec::new();
        for edge in 0..=open.len() {
            orders.push(newest(&|place| place < edge));
            orders.push(newest(&|place| place >= edge));
            orders.push(newest(&|place| place == edge));
            orders.push(newest(&|place| place != edge));
        }
        orders
    }

    fn after_a_power_cut(&self) -> BTreeSet<Vec<u8>> {
        let mut found = BTreeSet::new();
        for order in self.orders() {
            let sectors = self.sectors.iter().zip(&order);
            let bytes: Vec<u8> = sectors.flat_map(|(sector, choice)| sector.disk[*choice].clone()).collect();
            found.extend(self.lengths_on_disk.iter().map(|length| bytes[..*length].to_vec()));
        }
        found
    }
}

impl Disk {
    /// Everything on it is flushed.
    pub fn holding(files: &Files) -> Self {
        let inodes = files.values().map(|bytes| Inode::holding(bytes)).collect();
        let names: BTreeMap<_, _> = files.keys().cloned().zip(0..).collect();
        Self { inodes, names_on_disk: names.clone(), names, unflushed: Vec::new() }
    }

    /// What programs see.
    pub fn seen(&self) -> Files {
        self.names.iter().map(|(name, inode)| (name.clone(), self.inodes[*inode].seen())).collect()
    }

    fn inode(&mut self, name: &str) -> &mut Inode {
        &mut self.inodes[self.names[name]]
    }

    /// An operation that has begun and not returned: all of it may be on the disk, or any part.
    pub fn begin(&mut self, op: &Op) {
        match op {
            Op::Write { name, offset, bytes, .. } | Op::FailedWrite { name, offset, bytes } => {
                self.inode(name).write(*offset, bytes);
            }
            Op::Make { .. } | Op::Rename { .. } | Op::Remove { .. } => drop(self.finish(op)),
            Op::Flush { .. } | Op::FailedFlush { .. } | Op::FlushDirectory | Op::Forget { .. } | Op::Answer { .. } => {}
        }
    }

    /// An operation that has returned. Gives further disks, where it shows which of its possible contents a disk has.
    #[must_use]
    pub fn finish(&mut self, op: &Op) -> Vec<Self> {
        match op {
            Op::Make { name } => {
                self.inodes.push(Inode { lengths_on_disk: vec![0], ..Inode::default() });
                let inode = self.inodes.len() - 1;
                self.names.insert(name.clone(), inode);
                self.unflushed.push(Change::Link(name.clone(), inode));
            }
            Op::Write { name, offset, bytes, flushed } => {
                let inode = self.inode(name);
                let covered = inode.write(*offset, bytes);
                if *flushed {
                    inode.sectors[covered].iter_mut().for_each(Sector::settle);
                    inode.lengths_on_disk = vec![inode.length];
                }
            }
            Op::FailedWrite { name, offset, bytes } => {
                let inode = self.inode(name);
                let covered = inode.write(*offset, bytes);
                inode.sectors[covered].iter_mut().for_each(|sector| sector.dirty = false);
            }
            Op::Flush { name } => self.inode(name).flush(),
            Op::FailedFlush { name } => self.inode(name).sectors.iter_mut().for_each(|sector| sector.dirty = false),
            Op::FlushDirectory => {
                self.names_on_disk = self.names.clone();
                self.unflushed.clear();
            }
            Op::Rename { from, to } => {
                let inode = self.names.remove(from).unwrap();
                self.names.insert(to.clone(), inode);
                self.unflushed.push(Change::Rename(from.clone(), to.clone(), inode));
            }
            Op::Remove { name } => {
                self.names.remove(name).unwrap();
                self.unflushed.push(Change::Unlink(name.clone()));
            }
            Op::Forget { name } => return self.forget(name),
            Op::Answer { .. } => {}
        }
        Vec::new()
    }

    fn forget(&mut self, name: &str) -> Vec<Self> {
        let inode = self.names[name];
        let orders = self.inodes[inode].orders();
        let mut known = orders.iter().map(|order| {
            let mut disk = self.clone();
            for (sector, choice) in disk.inodes[inode].sectors.iter_mut().zip(order).filter(|(sector, _)| !sector.dirty)
            {
                sector.seen = sector.disk[*choice].clone();
                sector.settle();
            }
            disk
        });
        let first = known.next().unwrap();
        let others = known.collect();
        *self = first;
        others
    }

    /// Everything that may be found when the power is back.
    pub fn after_a_power_cut(&self) -> BTreeSet<Files> {
        let mut found = BTreeSet::new();
        for chosen in 0..1_usize << self.unflushed.len() {
            let mut names = self.names_on_disk.clone();
            for (_, change) in self.unflushed.iter().enumerate().filter(|(n, _)| chosen >> n & 1 == 1) {
                match change {
                    Change::Link(name, inode) => drop(names.insert(name.clone(), *inode)),
                    Change::Rename(from, to, inode) => {
                        names.remove(from);
                        names.insert(to.clone(), *inode);
                    }
                    Change::Unlink(name) => drop(names.remove(name)),
                }
            }
            let mut states = vec![Files::new()];
            for (name, inode) in names {
                let contents = self.inodes[inode].after_a_power_cut();
                let with = |files: &Files, bytes: &Vec<u8>| {
                    let mut files = files.clone();
                    files.insert(name.clone(), bytes.clone());
                    files
                };
                states = states
                    .iter()
                    .flat_map(|files| contents.iter().map(|bytes| with(files, bytes)).collect::<Vec<_>>())
                    .collect();
            }
            found.extend(states);
        }
        found
    }
}
