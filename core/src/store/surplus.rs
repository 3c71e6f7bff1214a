// SPDX-License-Identifier: MIT OR Apache-2.0
//! Master keys that nothing in the store names any more. Looks, and removes nothing: an older copy of the store may need one.

use std::collections::HashSet;
use std::path::PathBuf;

use rustix::fs::OFlags;

use crate::config::Config;
use crate::error::Fault;
use crate::random::Random;
use crate::store::keys::Keyring;
use crate::store::layout::HEADER_BYTES;
use crate::store::{Store, lock, person_header};
use crate::trusted::{OpenFile, read_start};

/// The files of keys under which neither the store's marker nor any record is sealed.
///
/// # Errors
///
/// [`Fault`] where a header cannot be read: then nobody can say that a key is not needed.
pub fn unused_keys(config: &Config, random: &dyn Random) -> Result<Vec<PathBuf>, Fault> {
    let store = Store::open(config, random)?;
    let keyring = Keyring::open(config.keys())?;
    let mut used = HashSet::from([store.marker_key()?.0]);
    for uid in store.uids()? {
        let path = store.users.path().join(lock::file_name(uid));
        // Removed since the list was read: it needs no key.
        if let Some(OpenFile { file, .. }) = lock::open_person(&store.users, uid, OFlags::RDONLY)? {
            used.insert(person_header(&read_start(&file, &path, HEADER_BYTES)?, &path)?.key_id);
        }
    }
    let mut surplus: Vec<_> = keyring.ids()?.into_iter().filter(|id| !used.contains(id)).collect();
    surplus.sort_unstable_by_key(ToString::to_string);
    Ok(surplus.into_iter().map(|id| keyring.path().join(id.to_string())).collect())
}
