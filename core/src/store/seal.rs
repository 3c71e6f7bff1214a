// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sealing: XChaCha20-Poly1305 with random nonces, under a key per record derived from the master key. What a part is,
//! whose it is and which writing of the record it belongs to are associated data: nothing unseals in another place.

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::Fault;
use crate::random::Random;
use crate::secret::MasterKey;
use crate::store::layout::{HEADER_BYTES, KeyId, RecordId, SlotName};

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// Which part of a file is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SealedPart {
    Marker,
    Record,
    Slot(SlotName, u64),
    Invitation,
}

impl SealedPart {
    /// One byte for the part, eight for the slot's sequence.
    fn associated_bytes(self) -> [u8; 9] {
        let (part, sequence) = match self {
            Self::Marker => (0, 0),
            Self::Record => (1, 0),
            Self::Slot(SlotName::A, sequence) => (2, sequence),
            Self::Slot(SlotName::B, sequence) => (3, sequence),
            Self::Invitation => (4, 0),
        };
        let [a, b, c, d, e, f, g, h] = u64::to_le_bytes(sequence);
        [part, a, b, c, d, e, f, g, h]
    }
}

impl MasterKey {
    /// The id that commits to this key: HKDF-Expand under a label of its own, so that it tells nothing of other keys.
    #[must_use]
    pub fn id(&self) -> Option<KeyId> {
        let mut id = [0; 16];
        expand(self, &[b"nightlatch 1 key id"], &mut id)?;
        Some(KeyId(id))
    }
}

/// The key of one record and its slots. Boxed: moved by value, it stays behind in a frame that lasts as long as a command.
pub(crate) struct SealingKey(Box<XChaCha20Poly1305>);

impl SealingKey {
    pub(crate) fn derive(master: &MasterKey, record: RecordId) -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        expand(master, &[b"nightlatch 1 seal", &record.0], key.as_mut_slice())?;
        XChaCha20Poly1305::new_from_slice(key.as_slice()).ok().map(|cipher| Self(Box::new(cipher)))
    }

    /// Nonce, ciphertext, tag.
    pub(crate) fn seal(
        &self,
        part: SealedPart,
        header: &[u8; HEADER_BYTES],
        plain: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, Fault> {
        let mut sealed = vec![0; NONCE_BYTES.saturating_add(plain.len()).saturating_add(TAG_BYTES)];
        let (nonce, rest) = sealed.split_first_chunk_mut::<NONCE_BYTES>().ok_or(Fault::NoMemory)?;
        let (body, tag) = rest.split_last_chunk_mut::<TAG_BYTES>().ok_or(Fault::NoMemory)?;
        random.fill(nonce)?;
        body.copy_from_slice(plain);
        let associated = associated_data(part, header);
        let computed = self
            .0
            .encrypt_inout_detached(&XNonce::from(*nonce), &associated, InOutBuf::from(body))
            .map_err(|_| Fault::NoMemory)?;
        tag.copy_from_slice(&computed);
        Ok(sealed)
    }

    /// `None` where anything does not fit: key, part, header, or a byte.
    pub(crate) fn unseal(
        &self,
        part: SealedPart,
        header: &[u8; HEADER_BYTES],
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let (body, tag) = rest.split_last_chunk::<TAG_BYTES>()?;
        let mut plain = Zeroizing::new(body.to_vec());
        let associated = associated_data(part, header);
        self.0
            .decrypt_inout_detached(
                &XNonce::from(*nonce),
                &associated,
                InOutBuf::from(plain.as_mut_slice()),
                &Tag::from(*tag),
            )
            .ok()?;
        Some(plain)
    }
}

fn associated_data(part: SealedPart, header: &[u8; HEADER_BYTES]) -> [u8; HEADER_BYTES + 9] {
    let mut data = [0; HEADER_BYTES + 9];
    let (front, back) = data.split_at_mut(HEADER_BYTES);
    front.copy_from_slice(header);
    back.copy_from_slice(&part.associated_bytes());
    data
}

/// HKDF-Expand only (RFC 5869 §3.3): the master key is 32 uniformly random bytes already.
fn expand(master: &MasterKey, info: &[&[u8]], output: &mut [u8]) -> Option<()> {
    Hkdf::<Sha256>::from_prk(master.expose_bytes()).ok()?.expand_multi_info(info, output).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    fn key(fill: u8, record: u8) -> SealingKey {
        SealingKey::derive(&MasterKey::from_bytes(&[fill; 32]).unwrap(), RecordId([record; 16])).unwrap()
    }

    #[test]
    fn nothing_unseals_in_another_place() {
        let header = [3; HEADER_BYTES];
        let sealed = key(1, 1).seal(SealedPart::Record, &header, b"ledger", &SystemRandom).unwrap();
        assert_eq!(key(1, 1).unseal(SealedPart::Record, &header, &sealed).unwrap().as_slice(), b"ledger");
        let mut other_header = header;
        other_header[511] ^= 1;
        assert!(key(1, 1).unseal(SealedPart::Record, &other_header, &sealed).is_none());
        assert!(key(2, 1).unseal(SealedPart::Record, &header, &sealed).is_none());
        assert!(key(1, 2).unseal(SealedPart::Record, &header, &sealed).is_none());
        let (a, b) = (SealedPart::Slot(SlotName::A, 0), SealedPart::Slot(SlotName::B, 0));
        for part in [SealedPart::Marker, SealedPart::Invitation, a, b] {
            assert!(key(1, 1).unseal(part, &header, &sealed).is_none());
        }
        let slot = key(1, 1).seal(SealedPart::Slot(SlotName::A, 4), &header, b"", &SystemRandom).unwrap();
        assert!(key(1, 1).unseal(SealedPart::Slot(SlotName::A, 5), &header, &slot).is_none());
        assert!(key(1, 1).unseal(SealedPart::Slot(SlotName::B, 4), &header, &slot).is_none());
    }

    #[test]
    fn the_same_bytes_are_sealed_under_a_new_nonce_each_time() {
        let seal = || key(1, 1).seal(SealedPart::Record, &[0; HEADER_BYTES], b"a record", &SystemRandom).unwrap();
        let nonces: std::collections::HashSet<_> = (0..100).map(|_| seal()[..NONCE_BYTES].to_vec()).collect();
        assert_eq!(nonces.len(), 100);
    }

    #[test]
    fn every_changed_bit_and_every_missing_byte_is_noticed() {
        let header = [0; HEADER_BYTES];
        let sealed = key(1, 1).seal(SealedPart::Record, &header, b"a record", &SystemRandom).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(key(1, 1).unseal(SealedPart::Record, &header, &changed).is_none(), "{bit}");
        }
        for length in 0..sealed.len() {
            assert!(key(1, 1).unseal(SealedPart::Record, &header, &sealed[..length]).is_none());
        }
    }

    #[test]
    fn an_id_commits_to_its_key_and_agrees_with_hkdf_elsewhere() {
        // Referee: python3 -c 'import hmac; print(hmac.new(b"\x01"*32, b"nightlatch 1 key id\x01", "sha256").hexdigest()[:32])'
        let id = MasterKey::from_bytes(&[1; 32]).unwrap().id().unwrap();
        assert_eq!(id.to_string(), "0f0f3d20eaf43174d458ad7091877c54");
        assert_ne!(MasterKey::from_bytes(&[2; 32]).unwrap().id().unwrap(), id);
    }
}
