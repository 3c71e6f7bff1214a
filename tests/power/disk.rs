// SPDX-License-Identifier: MIT OR Apache-2.0
//! A disk that keeps what was flushed, and of the rest whatever it likes: any of it, in any order, torn between any two
//! sectors. Knows nothing of the product.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::collections::BTreeMap;

use super::trace::Call;

const SECTOR: usize = 512;

/// Names and contents, as they are found after the power came back.
pub(crate) type Found = BTreeMap<String, Vec<u8>>;

#[derive(Debug, Clone)]
enum Change {
    Write {
        file: usize,
        at: usize,
        bytes: Vec<u8>,
    },
    /// Names, and the files that they lead to from now on.
    Names(Vec<(String, Option<usize>)>),
}

#[derive(Debug, Clone)]
struct Pending {
    change: Change,
    durable: bool,
}

/// All that was done so far, in order, each thing durable or not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    files: usize,
    /// As programs see it, durable or not.
    names: BTreeMap<String, usize>,
    ends: BTreeMap<usize, usize>,
    done: Vec<Pending>,
}

impl Disk {
    /// What lies there from the start, durably.
    pub(crate) fn holding(found: &Found) -> Self {
        let mut disk = Self::default();
        for (name, bytes) in found {
            disk.create(name);
            disk.write(name, Some(0), bytes.clone());
        }
        disk.done.iter_mut().for_each(|pending| pending.durable = true);
        disk
    }

    fn create(&mut self, name: &str) {
        self.names.insert(name.to_owned(), self.files);
        self.leads(vec![(name.to_owned(), Some(self.files))]);
        self.files += 1;
    }

    fn leads(&mut self, names: Vec<(String, Option<usize>)>) {
        self.done.push(Pending { change: Change::Names(names), durable: false });
    }

    fn write(&mut self, name: &str, at: Option<usize>, bytes: Vec<u8>) {
        let file = self.names[name];
        let end = self.ends.entry(file).or_default();
        let at = at.unwrap_or(*end);
        *end = (*end).max(at + bytes.len());
        self.done.push(Pending { change: Change::Write { file, at, bytes }, durable: false });
    }

    /// A call that has returned.
    pub(crate) fn does(&mut self, call: &Call) {
        self.begins(call);
        match call {
            Call::Write { flushes: true, .. } => self.done.last_mut().unwrap().durable = true,
            Call::Flush(name) => {
                let flushed = self.names[name];
                for pending in &mut self.done {
                    pending.durable |= matches!(pending.change, Change::Write { file, .. } if file == flushed);
                }
            }
            Call::FlushDirectory => {
                for pending in &mut self.done {
                    pending.durable |= matches!(pending.change, Change::Names(_));
                }
            }
            Call::Create(_) | Call::Write { .. } | Call::Rename { .. } | Call::Unlink(_) | Call::Answer => {}
        }
    }

    /// A call that has not returned, or whose promise to flush was not kept.
    pub(crate) fn begins(&mut self, call: &Call) {
        match call {
            Call::Create(name) => self.create(name),
            Call::Write { name, at, bytes, .. } => self.write(name, *at, bytes.clone()),
            Call::Rename { from, to } => {
                let file = self.names.remove(from);
                self.names.insert(to.clone(), file.unwrap());
                // One change: no file system tears a rename.
                self.leads(vec![(from.clone(), None), (to.clone(), file)]);
            }
            Call::Unlink(name) => {
                self.names.remove(name);
                self.leads(vec![(name.clone(), None)]);
            }
            Call::Flush(_) | Call::FlushDirectory | Call::Answer => {}
        }
    }

    /// Everything that may be found when the power goes now.
    pub(crate) fn after_power_loss(&self) -> Vec<Found> {
        let pending: Vec<usize> = (0..self.done.len()).filter(|nth| !self.done[*nth].durable).collect();
        let writes = pending.iter().filter(|nth| matches!(self.done[**nth].change, Change::Write { .. })).count();
        let kept: Vec<Vec<Option<Vec<bool>>>> =
            pending.iter().map(|nth| ways_to_keep(&self.done[*nth].change, writes == 1)).collect();
        let mut choices: Vec<Vec<Option<Vec<bool>>>> = vec![Vec::new()];
        for ways in &kept {
            choices = choices
                .iter()
                .flat_map(|chosen| ways.iter().map(move |way| [chosen.clone(), vec![way.clone()]].concat()))
                .collect();
        }
        let found = choices.iter().map(|chosen| {
            self.found(|nth, it| match pending.iter().position(|p| *p == nth) {
                None => Some(whole(&it.change)),
                Some(place) => chosen[place].clone(),
            })
        });
        found.collect()
    }

    fn found(&self, keeps: impl Fn(usize, &Pending) -> Option<Vec<bool>>) -> Found {
        let (mut names, mut contents) = (BTreeMap::new(), vec![Vec::new(); self.files]);
        for (nth, pending) in self.done.iter().enumerate() {
            let Some(kept) = keeps(nth, pending) else { continue };
            match &pending.change {
                Change::Write { file, at, bytes } => {
                    let content: &mut Vec<u8> = &mut contents[*file];
                    for place in (0..bytes.len()).filter(|place| kept[*place]) {
                        content.resize(content.len().max(at + place + 1), 0);
                        content[at + place] = bytes[place];
                    }
                }
                Change::Names(changed) => {
                    for (name, file) in changed {
                        match file {
                            Some(file) => drop(names.insert(name.clone(), *file)),
                            None => drop(names.remove(name)),
                        }
                    }
                }
            }
        }
        names.into_iter().map(|(name, file)| (name, contents[file].clone())).collect()
    }
}

fn whole(change: &Change) -> Vec<bool> {
    match change {
        Change::Write { bytes, .. } => vec![true; bytes.len()],
        Change::Names(_) => vec![true],
    }
}

/// Nothing of it; all of it; and of a write any beginning, any end, and any sector alone missing or alone there. Where
/// it is the only one, it is torn within its sectors too, worse than any disk: at each byte of its head, then every eight.
fn ways_to_keep(change: &Change, alone: bool) -> Vec<Option<Vec<bool>>> {
    let mut ways = vec![None, Some(whole(change))];
    if let Change::Write { at, bytes, .. } = change {
        let (first, last) = (*at, at + bytes.len());
        let parts = |keeps: &dyn Fn(usize) -> bool| Some((first..last).map(keeps).collect::<Vec<bool>>());
        let edges: Vec<usize> = if alone && bytes.len() <= 4096 {
            (first + 1..last).filter(|place| place - first < 32 || place % 8 == 0).collect()
        } else {
            (first + 1..last).filter(|place| place % SECTOR == 0).collect()
        };
        for edge in edges {
            ways.push(parts(&|place| place < edge));
            ways.push(parts(&|place| place >= edge));
        }
        for sector in first / SECTOR..last.div_ceil(SECTOR) {
            ways.push(parts(&|place| place / SECTOR == sector));
            ways.push(parts(&|place| place / SECTOR != sector));
        }
    }
    ways.sort();
    ways.dedup();
    ways
}
