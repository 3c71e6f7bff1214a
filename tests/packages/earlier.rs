// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every earlier version wrote opens: the stores of tests/stores, one for each release, made by its own packages. The
//! people in them are made up, and so are their secrets.

use std::fs;

use serde_json::Value;

use crate::host::{Host, enable};
use crate::scene::*;

const STORES: &str = "/opt/nightlatch/stores";
/// Where they say that they lie.
const PLACE: &str = "/srv/nightlatch-earlier";

fn nightlatch(arguments: &[&str]) -> String {
    ok("nightlatch", &[&["--config", &format!("{PLACE}/config.toml")], arguments].concat())
}

fn put_in_place(version: &str) {
    let script = format!(
        "rm -rf {PLACE}
         cp -r {STORES}/{version} {PLACE}
         chown -R root:root {PLACE}
         find {PLACE}/keys {PLACE}/store -type d -exec chmod 0700 {{}} +
         find {PLACE}/keys {PLACE}/store -type f -exec chmod 0600 {{}} +
         chmod 0400 {PLACE}/keys/*"
    );
    ok("sh", &["-ec", &script]);
}

/// The accounts of the store, with the uids that they had.
fn make_accounts() {
    for (name, uid) in
        [("earlier-ann", "61001"), ("earlier-bob", "61002"), ("earlier-carol", "61003"), ("earlier-dora", "61004")]
    {
        ok("useradd", &["--no-create-home", "--uid", uid, name]);
    }
}

#[test]
fn what_every_earlier_version_wrote_opens_and_lets_its_people_in() {
    let _host = Host::installed();
    make_accounts();
    enable("nightlatch");
    let versions = ok("sh", &["-c", &format!("cd {STORES} && ls -d */")]);
    for version in versions.lines().map(|line| line.trim_end_matches('/')) {
        put_in_place(version);
        let list = nightlatch(&["list"]);
        assert!(["earlier-ann", "earlier-bob", "earlier-carol"].iter().all(|name| list.contains(name)), "{list}");
        let doctor: Value = serde_json::from_slice(
            &run("nightlatch", &["--config", &format!("{PLACE}/config.toml"), "doctor", "--only", "store", "--json"])
                .stdout,
        )
        .unwrap();
        assert!(doctor["findings"].as_array().unwrap().iter().all(|each| each["severity"] != "error"), "{doctor}");
        let people = fs::read_to_string(format!("{PLACE}/people.jsonl")).unwrap();
        let people: Vec<Value> = people.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let service = Service::alone(&format!("config={PLACE}/config.toml"));
        for person in &people {
            let name = person["user"].as_str().unwrap();
            let codes = [code_of(&person["devices"][0]), person["backup_codes"][3].as_str().unwrap().to_owned()];
            for code in codes {
                assert_eq!(attempt(&service, name, &code).answer(), "PAM_SUCCESS", "{version}: {name}");
                assert_eq!(attempt(&service, name, &code).answer(), "PAM_AUTH_ERR", "{version}: {name}, once more");
            }
        }
        // Taken over from google-authenticator, which is a file of the second version.
        for (code, answer) in [("12345678", "PAM_SUCCESS"), ("12345678", "PAM_AUTH_ERR"), ("23456789", "PAM_SUCCESS")] {
            assert_eq!(attempt(&service, "earlier-bob", code).answer(), answer, "{version}: {code}");
        }
        assert_eq!(
            attempt(&service, "earlier-dora", "123456").answer(),
            "PAM_AUTH_ERR",
            "{version}: invited, not enrolled"
        );
        let status: Value = serde_json::from_str(&nightlatch(&["status", "earlier-ann", "--json"])).unwrap();
        assert_eq!(status["backup_codes_left"], 9, "{status}");
    }
}

fn code_of(device: &Value) -> String {
    let kind = if device["kind"] == "hotp" { "--hotp" } else { "--totp" };
    let digits = device["digits"].to_string();
    let mut words = vec![kind, "--base32", "--digits", &digits];
    let counter = device["counter"].to_string();
    if kind == "--hotp" {
        words.extend(["--counter", &counter]);
    }
    ok("oathtool", &[&words[..], &[device["secret"].as_str().unwrap()]].concat()).trim().to_owned()
}
