/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A name service that answers what it is told to, for one process: `passwd: bed` in nsswitch.conf, this file as libnss_bed.so.2 in
 * LD_LIBRARY_PATH, and BED_NSS in the environment. It may not think: the n-th look-up, by name or by uid, gets the n-th word of BED_NSS,
 * and whatever comes after the last word gets that one again.
 *   notfound  unavail:ERRNO  tryagain:ERRNO  NAME:UID  NAME:UID:BYTES (fits into no smaller buffer)
 * With `group: bed` every look-up of a group by its name, and of somebody's groups, gets the one word of BED_NSS_GROUP:
 *   notfound  unavail:ERRNO  tryagain:ERRNO  is:GID (whatever is asked for: that group, with everybody in it)
 * Build: gcc -Wall -Wextra -O1 -shared -fPIC -o libnss_bed.so.2 nss.c */

#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *next_word(void) {
    static const char *rest;
    if (rest == NULL) rest = getenv("BED_NSS");
    if (rest == NULL) return "notfound";
    const char *word = rest, *end = strchr(rest, ' ');
    if (end != NULL) rest = end + 1;
    return word;
}

static enum nss_status answer(struct passwd *found, char *buffer, size_t size, int *error) {
    /* ERANGE asks for the same look-up again with more room: that is no new look-up. */
    static const char *asked_again;
    const char *word = asked_again != NULL ? asked_again : next_word();
    asked_again = NULL;

    size_t length = strcspn(word, ": ");
    unsigned long number = 0, needed = 0;
    char *end = (char *)word + length;
    if (*end == ':') number = strtoul(end + 1, &end, 10);
    if (*end == ':') needed = strtoul(end + 1, &end, 10);

    *error = errno = (int)number;
    if (strncmp(word, "notfound", length) == 0) return NSS_STATUS_NOTFOUND;
    if (strncmp(word, "unavail", length) == 0) return NSS_STATUS_UNAVAIL;
    if (strncmp(word, "tryagain", length) == 0) return NSS_STATUS_TRYAGAIN;

    if (size <= length || size < needed) {
        asked_again = word;
        *error = errno = ERANGE;
        return NSS_STATUS_TRYAGAIN;
    }
    memcpy(buffer, word, length);
    buffer[length] = '\0';
    static char nothing[] = "", directory[] = "/", shell[] = "/bin/sh";
    *found = (struct passwd){
        .pw_name = buffer, .pw_passwd = nothing, .pw_uid = (uid_t)number, .pw_gid = 100,
        .pw_gecos = nothing, .pw_dir = directory, .pw_shell = shell,
    };
    *error = errno = 0;
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_bed_getpwnam_r(const char *name, struct passwd *found, char *buffer, size_t size, int *error) {
    (void)name;
    return answer(found, buffer, size, error);
}

enum nss_status _nss_bed_getpwuid_r(uid_t uid, struct passwd *found, char *buffer, size_t size, int *error) {
    (void)uid;
    return answer(found, buffer, size, error);
}

static enum nss_status group_word(unsigned long *number) {
    const char *word = getenv("BED_NSS_GROUP");
    if (word == NULL) word = "notfound";
    const char *colon = strchr(word, ':');
    *number = colon == NULL ? 0 : strtoul(colon + 1, NULL, 10);
    if (strncmp(word, "is:", 3) == 0) return NSS_STATUS_SUCCESS;
    if (strncmp(word, "unavail:", 8) == 0) return NSS_STATUS_UNAVAIL;
    if (strncmp(word, "tryagain:", 9) == 0) return NSS_STATUS_TRYAGAIN;
    return NSS_STATUS_NOTFOUND;
}

enum nss_status _nss_bed_getgrnam_r(const char *name, struct group *found, char *buffer, size_t size, int *error) {
    (void)buffer, (void)size;
    unsigned long number;
    enum nss_status status = group_word(&number);
    static char nothing[] = "", *nobody[] = {NULL};
    *error = errno = status == NSS_STATUS_SUCCESS ? 0 : (int)number;
    if (status == NSS_STATUS_SUCCESS)
        *found = (struct group){.gr_name = (char *)name, .gr_passwd = nothing, .gr_gid = (gid_t)number, .gr_mem = nobody};
    return status;
}

enum nss_status _nss_bed_initgroups_dyn(
    const char *user, gid_t group, long *start, long *size, gid_t **groups, long limit, int *error) {
    (void)user, (void)limit;
    unsigned long number;
    enum nss_status status = group_word(&number);
    *error = errno = status == NSS_STATUS_SUCCESS ? 0 : (int)number;
    if (status == NSS_STATUS_SUCCESS && number != group && *start < *size) (*groups)[(*start)++] = (gid_t)number;
    return status;
}
