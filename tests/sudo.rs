// SPDX-License-Identifier: MIT OR Apache-2.0
//! sudo and "sudo -i", by the recipes of pam.d/, in a terminal.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;

use std::fs;

use scene::ways::{self, GOT_IN, Recipes, SAY_SO, Way};
use scene::*;

static RECIPES: Recipes = Recipes::new(install_recipes);

const SUDO: Way = Way {
    open: |person| Terminal::open(&format!("runuser -u {} -- sudo -k sh -c '{SAY_SO}'", person.name)),
    password_prompt: "[sudo] password for ",
    service: "sudo",
    talks: false,
};

const SUDO_I: Way = Way {
    open: |person| Terminal::open(&format!("runuser -u {} -- sudo -k -i eval '{SAY_SO}'", person.name)),
    service: "sudo-i",
    ..SUDO
};

fn install_recipes() {
    in_the_bed();
    let share = "/usr/share/nightlatch/pam.d";
    ok("cp", &[&format!("{share}/sudo"), &format!("{share}/sudo-i"), "/etc/pam.d/"]);
    sudoers("bed", "Defaults lecture=never, passwd_tries=1\nALL ALL=(ALL) ALL\n");
}

fn sudoers(name: &str, lines: &str) {
    // sudo reads no file whose name has a dot, nor one that others may read.
    let path = format!("/etc/sudoers.d/{name}");
    fs::write(format!("{path}.new"), lines).unwrap();
    ok("chmod", &["0440", &format!("{path}.new")]);
    ok("mv", &[&format!("{path}.new"), &path]);
    ok("visudo", &["-cq"]);
}

#[test]
fn the_right_code_gets_in_once() {
    RECIPES.shared(|| ways::the_right_code_gets_in_once(SUDO));
}

#[test]
fn without_the_password_nobody_is_asked_for_a_code() {
    RECIPES.shared(|| ways::without_the_password_nobody_is_asked_for_a_code(SUDO));
    RECIPES.shared(|| ways::without_the_password_nobody_is_asked_for_a_code(SUDO_I));
}

#[test]
fn whatever_is_no_right_code_is_refused_alike() {
    RECIPES.shared(|| ways::whatever_is_no_right_code_is_refused_alike(SUDO));
}

#[test]
fn a_backup_code_gets_in_once_however_it_is_typed() {
    RECIPES.shared(|| ways::a_backup_code_gets_in_once_however_it_is_typed(SUDO));
}

#[test]
fn whoever_is_not_enrolled_is_asked_and_refused() {
    RECIPES.shared(|| ways::whoever_is_not_enrolled_is_asked_and_refused(SUDO));
    RECIPES.shared(|| ways::whoever_is_not_enrolled_is_asked_and_refused(SUDO_I));
}

#[test]
fn whoever_waits_is_refused_with_the_right_code_until_unlock() {
    RECIPES.shared(|| ways::whoever_waits_is_refused_with_the_right_code_until_unlock(SUDO));
    RECIPES.shared(|| ways::whoever_waits_is_refused_with_the_right_code_until_unlock(SUDO_I));
}

#[test]
fn with_nullok_the_password_is_enough_until_somebody_is_enrolled() {
    RECIPES.alone(|| ways::with_nullok_the_password_is_enough_until_somebody_is_enrolled(SUDO, "sudo"));
    RECIPES.alone(|| ways::with_nullok_the_password_is_enough_until_somebody_is_enrolled(SUDO_I, "sudo-i"));
}

#[test]
fn whoever_is_blocked_is_asked_and_refused_until_unlock() {
    RECIPES.alone(|| ways::whoever_is_blocked_is_asked_and_refused_until_unlock(SUDO, "sudo"));
    RECIPES.alone(|| ways::whoever_is_blocked_is_asked_and_refused_until_unlock(SUDO_I, "sudo-i"));
}

#[test]
fn a_root_shell_by_sudo_i_takes_the_right_code_once() {
    RECIPES.shared(|| ways::the_right_code_gets_in_once(SUDO_I));
}

#[test]
fn whatever_is_no_right_code_is_refused_alike_by_sudo_i() {
    RECIPES.shared(|| ways::whatever_is_no_right_code_is_refused_alike(SUDO_I));
}

#[test]
fn a_backup_code_gets_in_once_by_sudo_i() {
    RECIPES.shared(|| ways::a_backup_code_gets_in_once_however_it_is_typed(SUDO_I));
}

#[test]
fn whoever_mistypes_is_asked_again() {
    RECIPES.shared(|| {
        let ann = Person::enrolled("ann");
        sudoers(&format!("later-{}", ann.name), &format!("Defaults:{} passwd_tries=3\n", ann.name));
        let mut terminal = (SUDO.open)(&ann);
        terminal.sees(SUDO.password_prompt).types(PASSWORD).sees(PROMPT).types(&ann.wrong_code());
        terminal.sees("Sorry, try again.").sees(SUDO.password_prompt).types(PASSWORD).sees(PROMPT);
        let screen = terminal.types(&ann.code(0)).rest();
        assert!(screen.contains(GOT_IN), "{screen}");
    });
}

/// `sudo -S` reads the password from a pipe; the code comes in the next line.
#[test]
fn password_and_code_come_through_a_pipe_too() {
    RECIPES.shared(|| {
        let ann = Person::enrolled("ann");
        let pipe = format!("printf '{PASSWORD}\\n%s\\n' {} | runuser -u {} -- sudo -k -S id -u", ann.code(0), ann.name);
        assert_eq!(ok("sh", &["-c", &pipe]).trim(), "0");
    });
}

/// From sudo 1.9.16 on, which Debian 13 has.
#[test]
fn a_sudo_that_is_told_to_shows_the_sentence() {
    RECIPES.shared(|| {
        let ann = Person::enrolled("ann");
        if !ok("sh", &["-c", "grep -c pam_silent /usr/libexec/sudo/sudoers.so || true"]).starts_with('0') {
            sudoers(&format!("later-{}", ann.name), &format!("Defaults:{} !pam_silent\n", ann.name));
            let talking = Way { talks: true, ..SUDO };
            talking.is_refused(&ann, &ann.wrong_code());
            assert!(talking.gets_in(&ann, &ann.backup_codes[0]).contains("9 backup codes are left."));
        }
    });
}

/// One code for ssh and for sudo within the same thirty seconds: normal, refused and not charged.
#[test]
fn the_code_of_the_login_is_not_charged_when_sudo_is_given_it_again() {
    RECIPES.shared(|| {
        let (ann, ssh) = (Person::enrolled("ann"), Service::alone(""));
        steady(8);
        let code = ann.code(0);
        assert_eq!(attempt(&ssh, &ann.name, &code).answer(), "PAM_SUCCESS");
        for _ in 0..2 {
            SUDO.is_refused(&ann, &code);
        }
        assert_eq!(ann.status()["failures"], 0);
        SUDO.gets_in(&ann, &ann.code(1));
    });
}
