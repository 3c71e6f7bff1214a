// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must not be found in memory: a secret in each form that it may take on its way through base32, HMAC, HKDF,
//! XChaCha20-Poly1305 and a QR code. Computed from RFC 3174, 5869, 6234 and 8439 and docs/FORMAT.md, with none of our code.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What is looked for, each with its name. A piece of a secret is as bad as the whole: eight bytes of it are looked for.
#[derive(Clone, Default)]
pub(crate) struct Needles(BTreeMap<Vec<u8>, String>);

impl Needles {
    /// As it stands, in one piece.
    pub(crate) fn add(&mut self, name: &str, bytes: &[u8]) {
        assert!(bytes.len() >= 6, "{name}: what is shorter is found by chance");
        self.0.entry(bytes.to_vec()).or_insert_with(|| name.to_owned());
    }

    /// Bytes, and the same as hashes and ciphers load them: in words of four and eight bytes and in registers of sixteen.
    pub(crate) fn add_key(&mut self, name: &str, bytes: &[u8]) {
        for (size, form) in [(1, ""), (4, " in words of 4"), (8, " in words of 8"), (16, " in words of 16")] {
            let loaded: Vec<u8> = bytes.chunks(size).flat_map(|word| word.iter().rev().copied()).collect();
            for (place, piece) in loaded.windows(8).enumerate().step_by(4) {
                self.add(&format!("{name}{form}, bytes from {place}"), piece);
            }
        }
    }

    fn add_text(&mut self, name: &str, text: &str) {
        for text in [text.to_owned(), text.to_lowercase()] {
            for (place, piece) in text.as_bytes().windows(9).enumerate().step_by(4) {
                self.add(&format!("{name}, from {place}"), piece);
            }
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|_, with| !with.starts_with(name));
        self
    }

    /// What was typed.
    pub(crate) fn add_typed(&mut self, code: &str) {
        self.add("the typed code", code.as_bytes());
    }

    /// The rows of a QR code, as they came to a terminal in half blocks; the uppermost and lowest are those of any code.
    pub(crate) fn add_drawing(&mut self, screen: &str) {
        let is_module = |c: char| matches!(c, ' ' | '\u{2580}' | '\u{2584}' | '\u{2588}');
        let rows = screen.split('m').map(|piece| piece.split('\x1b').next().unwrap());
        let rows: Vec<_> = { rows }.filter(|row| row.chars().count() > 20 && row.chars().all(is_module)).collect();
        assert!(rows.len() > 15, "{screen}");
        for (number, row) in rows.iter().enumerate().filter(|(number, _)| (6..rows.len() - 6).contains(number)) {
            self.add_text(&format!("row {number} of the QR code"), row.trim());
        }
    }

    /// With dashes, without, with spaces, and as the numbers that its symbols stand for.
    pub(crate) fn add_backup_code(&mut self, index: usize, code: &str) {
        let name = format!("backup code {index}");
        for spelled in [code.to_owned(), code.replace('-', ""), code.replace('-', " ")] {
            self.add_text(&name, &spelled);
        }
        let symbols = code.bytes().filter(|symbol| *symbol != b'-');
        let values: Vec<_> = symbols.map(|s| value_in(CROCKFORD, s)).collect();
        self.add(&format!("{name} as numbers"), &values[..8]);
        self.add(&format!("{name} as numbers, second half"), &values[8..]);
    }

    /// As base32, raw, as the keys that HMAC-SHA-1 makes of it, and as a QR code packs it.
    pub(crate) fn add_shared_secret(&mut self, base32: &str) {
        let groups: Vec<_> = base32.as_bytes().chunks(4).map(|group| str::from_utf8(group).unwrap()).collect();
        for separator in ["", " ", "-"] {
            self.add_text(&format!("the secret in base32 with {separator:?}"), &groups.join(separator));
        }
        let bits: String = base32.bytes().map(|symbol| format!("{:05b}", value_in(ALPHABET, symbol))).collect();
        let secret: Vec<_> = bits.as_bytes().chunks_exact(8).map(byte_of).collect();
        self.add_key("the secret", &secret);
        for (name, pad) in [("inner", 0x36), ("outer", 0x5c)] {
            let mut block = [pad; 64];
            block.iter_mut().zip(&secret).for_each(|(byte, key)| *byte ^= key);
            self.add_key(&format!("the {name} key of HMAC"), &block[..secret.len()]);
            self.add_key(&format!("the {name} state of HMAC-SHA-1"), &bytes_of(&sha1_block(&block)));
        }
        self.add_qr_bits(base32);
    }

    /// ISO/IEC 18004: two symbols of its alphabet are eleven bits, other characters eight; where they begin is not known.
    fn add_qr_bits(&mut self, base32: &str) {
        let number = |symbol: u8| u32::from(if symbol.is_ascii_digit() { symbol - b'0' } else { symbol - b'A' + 10 });
        let pairs = base32.as_bytes().chunks_exact(2);
        let alphanumeric: String =
            pairs.map(|pair| format!("{:011b}", number(pair[0]) * 45 + number(pair[1]))).collect();
        let bytes: String = base32.bytes().map(|byte| format!("{byte:08b}")).collect();
        for (name, bits) in [("alphanumeric", alphanumeric), ("byte", bytes)] {
            for skipped in 0..8 {
                let packed: Vec<_> = bits.as_bytes()[skipped..].chunks_exact(8).map(byte_of).collect();
                for piece in packed.windows(9).step_by(4) {
                    self.add(&format!("the secret in {name} bits of a QR code"), piece);
                }
            }
        }
    }

    /// The key, what HKDF makes of it on the way, and the keys of a file (the marker has no slots) with each nonce in it.
    pub(crate) fn add_keys_of(&mut self, master: &[u8], file: &[u8]) {
        self.add_key("the master key", master);
        for (name, pad) in [("inner", 0x36), ("outer", 0x5c)] {
            let mut block = [pad; 64];
            block.iter_mut().zip(master).for_each(|(byte, key)| *byte ^= key);
            self.add_key(&format!("the {name} key of HKDF"), &block[..32]);
            self.add_key(
                &format!("the {name} state of HKDF"),
                &bytes_of(&sha256_block(&SHA256_START.map(root), &block)),
            );
        }
        // The file of a master key bears the id that commits to it: so this arithmetic has a referee.
        assert_eq!(expand(master, b"nightlatch 1 key id")[..16], file[16..32], "HKDF here");
        let sealing = expand(master, &[b"nightlatch 1 seal", &file[32..48]].concat());
        self.add_key("the sealing key", &sealing);
        for (part, nonce) in [("the record", 512), ("slot A", 4096 + 24), ("slot B", 8192 + 24)] {
            let Some(nonce) = file.get(nonce..nonce + 24) else { continue };
            self.add_key(&format!("the cipher's key of {part}"), &hchacha(&sealing, &nonce[..16]));
        }
    }

    /// Where which of them stand.
    pub(crate) fn found_in(&self, areas: &[(String, Vec<u8>)]) -> Vec<String> {
        let mut by_start: BTreeMap<[u8; 6], Vec<(&Vec<u8>, &String)>> = BTreeMap::new();
        for (needle, name) in &self.0 {
            by_start.entry(*needle.first_chunk().unwrap()).or_default().push((needle, name));
        }
        let mut filter = vec![false; 1 << 24];
        let slot = |start: &[u8]| usize::from(start[0]) | usize::from(start[1]) << 8 | usize::from(start[2]) << 16;
        by_start.keys().for_each(|start| filter[slot(start)] = true);
        let mut found = Vec::new();
        for (area, bytes) in areas {
            for (place, start) in bytes.windows(6).enumerate() {
                if filter[slot(start)] {
                    let here = by_start.get(start).into_iter().flatten();
                    found.extend(
                        here.filter(|(needle, _)| bytes[place..].starts_with(needle))
                            .map(|(_, name)| format!("{name}: {area} + {place:#x}")),
                    );
                }
            }
        }
        found
    }
}

/// The arithmetic has referees: vectors of RFC 3174 §7.3 and draft-irtf-cfrg-xchacha-03 §2.2.1; HKDF's stands above.
#[test]
fn what_is_looked_for_is_computed_as_the_standards_say() {
    let mut block = [0; 64];
    block[..4].copy_from_slice(b"abc\x80");
    block[63] = 24;
    assert_eq!(sha1_block(&block), [0xa999_3e36, 0x4706_816a, 0xba3e_2571, 0x7850_c26c, 0x9cd0_d89d]);
    let key: Vec<u8> = (0..32).collect();
    let nonce = [0, 0, 0, 9, 0, 0, 0, 0x4a, 0, 0, 0, 0, 0x31, 0x41, 0x59, 0x27];
    let subkey = hchacha(&key, &nonce);
    assert_eq!(
        (subkey[..4].to_vec(), subkey[28..].to_vec()),
        (vec![0x82, 0x41, 0x3b, 0x42], vec![0x26, 0xd3, 0xec, 0xdc])
    );
}

/// Each form on its own, at an odd place among bytes that begin alike.
#[test]
fn whatever_is_looked_for_is_found_where_it_is_put() {
    let mut needles = Needles::default();
    needles.add_typed("12345678");
    needles.add_backup_code(3, "3ABC-DEFG-HJKM-NPQR");
    needles.add_shared_secret("JBSWY3DPEHPK3PXPAAAABBBBCCCCDDDD");
    needles.add_key("a key", &(100..132).collect::<Vec<u8>>());
    assert!(needles.0.len() > 200, "{}", needles.0.len());
    for (needle, name) in &needles.0 {
        let area = [&needle[..5], needle, &needle[1..]].concat();
        let found = needles.found_in(&[("here".to_owned(), area)]);
        assert!(found.contains(&format!("{name}: here + 0x5")), "{name}: {found:?}");
    }
    assert!(needles.found_in(&[("here".to_owned(), vec![7; 4096])]).is_empty());
}

fn value_in(alphabet: &[u8; 32], symbol: u8) -> u8 {
    u8::try_from(alphabet.iter().position(|known| *known == symbol).unwrap()).unwrap()
}

fn byte_of(bits: &[u8]) -> u8 {
    u8::from_str_radix(str::from_utf8(bits).unwrap(), 2).unwrap()
}

/// Big-endian, as hashes are written.
fn bytes_of(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// Little-endian, as ChaCha reads.
fn words_of(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect()
}

/// RFC 3174, one block from the start.
fn sha1_block(block: &[u8; 64]) -> [u32; 5] {
    let start = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let mut w: Vec<u32> = block.chunks(4).map(|word| u32::from_be_bytes(word.try_into().unwrap())).collect();
    let [mut a, mut b, mut c, mut d, mut e] = start;
    for t in 0..80 {
        if t >= 16 {
            w.push((w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16]).rotate_left(1));
        }
        let (f, k): (u32, u32) = match t / 20 {
            0 => (b & c | !b & d, 0x5a82_7999),
            1 => (b ^ c ^ d, 0x6ed9_eba1),
            2 => (b & c | b & d | c & d, 0x8f1b_bcdc),
            _ => (b ^ c ^ d, 0xca62_c1d6),
        };
        let next = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(w[t]).wrapping_add(k);
        (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
    }
    let mut state = start;
    state.iter_mut().zip([a, b, c, d, e]).for_each(|(word, more)| *word = word.wrapping_add(more));
    state
}

/// The first eight primes: their square roots begin SHA-256.
const SHA256_START: [u32; 8] = [2, 3, 5, 7, 11, 13, 17, 19];

fn root(prime: u32) -> u32 {
    fraction(f64::from(prime).sqrt())
}

/// The first 32 bits behind the point.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what RFC 6234 asks for")]
fn fraction(number: f64) -> u32 {
    (number.fract() * 4_294_967_296.0) as u32
}

/// RFC 6234; its constants are the cube roots of the first 64 primes.
fn sha256_block(start: &[u32; 8], block: &[u8; 64]) -> [u32; 8] {
    let primes = (2_u32..).filter(|n| (2..*n).all(|d| n % d != 0)).take(64);
    let constants: Vec<_> = primes.map(|prime| fraction(f64::from(prime).cbrt())).collect();
    let mut w: Vec<u32> = block.chunks(4).map(|word| u32::from_be_bytes(word.try_into().unwrap())).collect();
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *start;
    let mix = |word: u32, by: [u32; 3]| word.rotate_right(by[0]) ^ word.rotate_right(by[1]) ^ word.rotate_right(by[2]);
    for t in 0..64 {
        if t >= 16 {
            let (x, y) = (w[t - 15], w[t - 2]);
            let s0 = x.rotate_right(7) ^ x.rotate_right(18) ^ x >> 3;
            let s1 = y.rotate_right(17) ^ y.rotate_right(19) ^ y >> 10;
            w.push(w[t - 16].wrapping_add(s0).wrapping_add(w[t - 7]).wrapping_add(s1));
        }
        let t1 = h.wrapping_add(mix(e, [6, 11, 25])).wrapping_add(e & f ^ !e & g);
        let t1 = t1.wrapping_add(constants[t]).wrapping_add(w[t]);
        let t2 = mix(a, [2, 13, 22]).wrapping_add(a & b ^ a & c ^ b & c);
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
    }
    let mut state = *start;
    state.iter_mut().zip([a, b, c, d, e, f, g, h]).for_each(|(word, more)| *word = word.wrapping_add(more));
    state
}

/// HMAC-SHA-256 of a message that fits one block, under a key of 32 bytes.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let keyed = |pad: u8, message: &[u8]| {
        let mut block = [pad; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        let mut last = [0; 64];
        last[..message.len()].copy_from_slice(message);
        last[message.len()] = 0x80;
        last[56..].copy_from_slice(&(8 * (64 + message.len() as u64)).to_be_bytes());
        bytes_of(&sha256_block(&sha256_block(&SHA256_START.map(root), &block), &last))
    };
    keyed(0x5c, &keyed(0x36, message))
}

/// HKDF-Expand (RFC 5869 §2.3), its first 32 bytes.
fn expand(master: &[u8], info: &[u8]) -> Vec<u8> {
    hmac(master, &[info, &[1]].concat())
}

/// HChaCha20: the rounds of RFC 8439 §2.3 over key and nonce, of which the first and the last row are the key.
fn hchacha(key: &[u8], nonce: &[u8]) -> Vec<u8> {
    let mut state = words_of(b"expand 32-byte k");
    state.extend(words_of(key));
    state.extend(words_of(nonce));
    for round in 0..20 {
        for column in 0..4 {
            let turn = if round % 2 == 0 { [0, 0, 0] } else { [1, 2, 3] };
            let [b, c, d] = [0, 1, 2].map(|row| 4 + 4 * row + (column + turn[row]) % 4);
            for (x, y, z, by) in [(column, b, d, 16), (c, d, b, 12), (column, b, d, 8), (c, d, b, 7)] {
                state[x] = state[x].wrapping_add(state[y]);
                state[z] = (state[z] ^ state[x]).rotate_left(by);
            }
        }
    }
    [&state[..4], &state[12..]].concat().iter().flat_map(|word| word.to_le_bytes()).collect()
}
