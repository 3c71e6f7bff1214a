// SPDX-License-Identifier: MIT OR Apache-2.0
//! The age format, version 1, with a passphrase (c2sp.org/age): a header that wraps a file key under scrypt, and the payload
//! in chunks of 64 KiB, the last one marked as such, so that none is missing at the end. `age -d` opens it.

use std::io::{self, BufRead, Read, Write};

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce, Tag};
use data_encoding::BASE64_NOPAD;
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use nightlatch::random::Random;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::failure::NotABackup;

const VERSION_LINE: &str = "age-encryption.org/v1";
const SALT_LABEL: &[u8] = b"age-encryption.org/v1/scrypt";
/// scrypt with N = 2^18, r = 8, p = 1: 256 MiB and about a second, twice what OWASP asks for, and what `age` itself takes.
const LOG_N: u8 = 18;
/// 4 GiB: more than this is somebody's way to take the memory of this host.
const MOST_LOG_N: u8 = 22;
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
const FILE_KEY: usize = 16;
/// A header of ours has some 150 bytes.
const LONGEST_HEADER: usize = 1024;

fn wrap_key(passphrase: &[u8], salt: &[u8], log_n: u8) -> Option<Zeroizing<[u8; 32]>> {
    let params = scrypt::Params::new(log_n, 8, 1).ok()?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(passphrase, &[SALT_LABEL, salt].concat(), &params, key.as_mut_slice()).ok()?;
    Some(key)
}

fn expand(file_key: &[u8], salt: &[u8], info: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(salt), file_key).expand(info, key.as_mut_slice()).ok()?;
    Some(key)
}

fn header_mac(file_key: &[u8], header: &str) -> Option<Hmac<Sha256>> {
    let key = expand(file_key, b"", b"header")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_slice()).ok()?;
    mac.update(header.as_bytes());
    Some(mac)
}

/// Which chunk it is, and whether it is the last one.
fn nonce(counter: u64, is_last: bool) -> Nonce {
    let mut nonce = [0; 12];
    let (front, last) = nonce.split_at_mut(11);
    if let Some(place) = front.last_chunk_mut::<8>() {
        *place = counter.to_be_bytes();
    }
    last.fill(u8::from(is_last));
    Nonce::from(nonce)
}

fn broken() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// Encrypts what is written to it.
pub(super) struct Encryptor<W: Write> {
    inner: W,
    cipher: Box<ChaCha20Poly1305>,
    counter: u64,
    chunk: Zeroizing<Vec<u8>>,
}

impl<W: Write> Encryptor<W> {
    pub(super) fn begin(mut inner: W, passphrase: &[u8], random: &dyn Random) -> io::Result<Self> {
        let mut file_key = Zeroizing::new([0; FILE_KEY]);
        let (mut salt, mut payload_nonce) = ([0; 16], [0; 16]);
        for buffer in [file_key.as_mut_slice(), &mut salt, &mut payload_nonce] {
            random.fill(buffer).map_err(|_| broken())?;
        }
        let wrap = wrap_key(passphrase, &salt, LOG_N).ok_or(io::ErrorKind::OutOfMemory)?;
        let mut body = Zeroizing::new(file_key.to_vec());
        let wrapping = ChaCha20Poly1305::new_from_slice(wrap.as_slice()).map_err(|_| broken())?;
        let tag = wrapping
            .encrypt_inout_detached(&Nonce::default(), b"", InOutBuf::from(body.as_mut_slice()))
            .map_err(|_| broken())?;
        body.extend_from_slice(&tag);
        let header = format!(
            "{VERSION_LINE}\n-> scrypt {} {LOG_N}\n{}\n---",
            BASE64_NOPAD.encode(&salt),
            BASE64_NOPAD.encode(&body)
        );
        let mac = header_mac(file_key.as_slice(), &header).ok_or_else(broken)?.finalize().into_bytes();
        inner.write_all(format!("{header} {}\n", BASE64_NOPAD.encode(&mac)).as_bytes())?;
        inner.write_all(&payload_nonce)?;
        let key = expand(file_key.as_slice(), &payload_nonce, b"payload").ok_or_else(broken)?;
        let cipher = ChaCha20Poly1305::new_from_slice(key.as_slice()).map_err(|_| broken())?;
        let chunk = Zeroizing::new(Vec::with_capacity(CHUNK));
        Ok(Self { inner, cipher: Box::new(cipher), counter: 0, chunk })
    }

    fn seal(&mut self, is_last: bool) -> io::Result<()> {
        let nonce = nonce(self.counter, is_last);
        let chunk = InOutBuf::from(self.chunk.as_mut_slice());
        let tag = self.cipher.encrypt_inout_detached(&nonce, b"", chunk).map_err(|_| broken())?;
        self.counter = self.counter.checked_add(1).ok_or_else(broken)?;
        self.inner.write_all(&self.chunk)?;
        self.inner.write_all(&tag)?;
        self.chunk.clear();
        Ok(())
    }

    /// Writes the last chunk: without it, what there is does not open.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for Encryptor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits until it is known that another one follows.
        if self.chunk.len() >= CHUNK {
            self.seal(false)?;
        }
        let room = CHUNK.saturating_sub(self.chunk.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.chunk.extend_from_slice(taken);
        Ok(taken.len())
    }

    /// Chunks are written when they are full: an unfinished one cannot be.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a file begins as one of this format; nothing is consumed.
pub(super) fn is_age(reader: &mut impl BufRead) -> io::Result<bool> {
    Ok(reader.fill_buf()?.starts_with(VERSION_LINE.as_bytes()))
}

/// A header, not opened yet.
pub(super) struct Header {
    text: String,
    salt: Vec<u8>,
    log_n: u8,
    body: Vec<u8>,
    mac: Vec<u8>,
    payload_nonce: [u8; 16],
}

/// What the payload is encrypted under.
pub(super) struct PayloadKey(Zeroizing<[u8; 32]>);

impl Header {
    pub(super) fn read(reader: &mut impl BufRead) -> Result<Self, NotABackup> {
        let mut limited = reader.take(u64::try_from(LONGEST_HEADER).unwrap_or(u64::MAX));
        let mut text = String::new();
        let mut line = || {
            let mut line = String::new();
            let read = limited.read_line(&mut line).map_err(|_| NotABackup::Damaged)?;
            if read == 0 { Err(NotABackup::Damaged) } else { Ok(line.trim_end_matches('\n').to_owned()) }
        };
        let (version, stanza, body, end) = (line()?, line()?, line()?, line()?);
        if version != VERSION_LINE {
            return Err(NotABackup::Newer);
        }
        // To a public key, or with a plugin: not written here.
        let words: Vec<&str> = stanza.split(' ').collect();
        let ["->", "scrypt", salt, log_n] = words.as_slice() else { return Err(NotABackup::SomethingElse) };
        let mac = end.strip_prefix("--- ").ok_or(NotABackup::Damaged)?;
        text.push_str(&format!("{version}\n{stanza}\n{body}\n---"));
        let decoded = |text: &str| BASE64_NOPAD.decode(text.as_bytes()).map_err(|_| NotABackup::Damaged);
        let log_n: u8 = log_n.parse().map_err(|_| NotABackup::Damaged)?;
        if log_n > MOST_LOG_N {
            return Err(NotABackup::TooCostly);
        }
        let (salt, body, mac) = (decoded(salt)?, decoded(&body)?, decoded(mac)?);
        let mut payload_nonce = [0; 16];
        limited.read_exact(&mut payload_nonce).map_err(|_| NotABackup::Damaged)?;
        Ok(Self { text, salt, log_n, body, mac, payload_nonce })
    }

    /// The payload's key, and where the payload begins.
    pub(super) fn open(&self, passphrase: &[u8]) -> Result<(PayloadKey, u64), NotABackup> {
        let wrap = wrap_key(passphrase, &self.salt, self.log_n).ok_or(NotABackup::Damaged)?;
        let (key, tag) = self.body.split_last_chunk::<TAG>().ok_or(NotABackup::Damaged)?;
        let mut file_key = Zeroizing::new(key.to_vec());
        if file_key.len() != FILE_KEY {
            return Err(NotABackup::Damaged);
        }
        let wrapping = ChaCha20Poly1305::new_from_slice(wrap.as_slice()).map_err(|_| NotABackup::Damaged)?;
        let body = InOutBuf::from(file_key.as_mut_slice());
        let opened = wrapping.decrypt_inout_detached(&Nonce::default(), b"", body, &Tag::from(*tag));
        opened.map_err(|_| NotABackup::Passphrase)?;
        let mac = header_mac(&file_key, &self.text).ok_or(NotABackup::Damaged)?;
        mac.verify_slice(&self.mac).map_err(|_| NotABackup::Passphrase)?;
        let payload = expand(&file_key, &self.payload_nonce, b"payload").ok_or(NotABackup::Damaged)?;
        let mac_line = BASE64_NOPAD.encode_len(self.mac.len()).saturating_add(2);
        let begin = self.text.len().saturating_add(mac_line).saturating_add(self.payload_nonce.len());
        Ok((PayloadKey(payload), u64::try_from(begin).unwrap_or(u64::MAX)))
    }
}

/// Decrypts what is read from it. An end that is none is an error, and so is anything behind the last chunk.
pub(super) struct Decryptor<R: BufRead> {
    inner: R,
    cipher: Box<ChaCha20Poly1305>,
    counter: u64,
    chunk: Zeroizing<Vec<u8>>,
    /// How much of the chunk was handed out.
    taken: usize,
    is_last: bool,
}

impl<R: BufRead> Decryptor<R> {
    pub(super) fn begin(inner: R, PayloadKey(key): &PayloadKey) -> io::Result<Self> {
        let cipher = Box::new(ChaCha20Poly1305::new_from_slice(key.as_slice()).map_err(|_| broken())?);
        let chunk = Zeroizing::new(Vec::with_capacity(CHUNK.saturating_add(TAG)));
        Ok(Self { inner, cipher, counter: 0, chunk, taken: 0, is_last: false })
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        self.chunk.clear();
        self.taken = 0;
        let most = u64::try_from(CHUNK.saturating_add(TAG)).unwrap_or(u64::MAX);
        self.inner.by_ref().take(most).read_to_end(&mut self.chunk)?;
        self.is_last = self.inner.fill_buf()?.is_empty();
        let length = self.chunk.len().checked_sub(TAG).ok_or_else(broken)?;
        // Nothing at all is one empty chunk; an empty one behind others was cut there.
        if length == 0 && self.counter > 0 {
            return Err(broken());
        }
        let (body, tag) = self.chunk.split_last_chunk_mut::<TAG>().ok_or_else(broken)?;
        let nonce = nonce(self.counter, self.is_last);
        let (body, tag) = (InOutBuf::from(body), Tag::from(*tag));
        self.cipher.decrypt_inout_detached(&nonce, b"", body, &tag).map_err(|_| broken())?;
        self.chunk.truncate(length);
        self.counter = self.counter.checked_add(1).ok_or_else(broken)?;
        Ok(())
    }
}

impl<R: BufRead> Read for Decryptor<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken >= self.chunk.len() {
            if self.is_last {
                return Ok(0);
            }
            self.next_chunk()?;
        }
        let rest = self.chunk.get(self.taken..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.taken = self.taken.saturating_add(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
