// SPDX-License-Identifier: MIT OR Apache-2.0
// Logs in through libpam as an application does, moves the clock one time step on for each login so that every code is
// fresh, and prints what each cost, a line each. It judges nothing: ./peers adds up.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <liboath/oath.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: measure turns ROUNDS LOGINS CASE...       the cases in turn, in this process\n"
    "       measure fresh ROUNDS LOGINS CASE...       the same, each login in a process of its own, as sshd does\n"
    "       measure once CODE SECONDS CASE            one login, SECONDS from now: what `fresh` starts; `marked`: the same,\n"
    "                                                 with access(2) to /begin and /end about pam_authenticate, for strace\n"
    "       measure twice CASE                        two logins in one handle, for callgrind; `single`: one\n"
    "       measure crowd ROUNDS LOGINS CASE...       one login of each case, all at once\n"
    "       measure one-code ROUNDS LOGINS CASE       so many logins with one code, all at once\n"
    "       measure kills ROUNDS MICROSECONDS STALE CASE\n"
    "                                                 a login killed at a random moment, then a right one; where that is\n"
    "                                                 refused, STALE.lock and STALE.new are removed, as by an administrator\n"
    "       measure populate COUNT FIRST SOURCE DIRECTORY    copies of a file under the names FIRST, FIRST + 1, ...\n"
    "CASE is NAME:accept|refuse:SERVICE:USER:CODES, or NAME:PART:FILE for a part of a login:\n"
    "  floor  the least that an honest verifier does: open, read, three codes, overwrite in place, flush\n"
    "  write  one block overwritten in place and flushed    look-up  getpwnam of FILE    log  one line to syslog\n"
    "  reach  the system calls by which nightlatch comes to its config, to FILE (UID@KEY), and no more\n"
    "CODES is a file: the unix time of its first code, then a code for each 30 seconds.\n"
    "prints: NAME ANSWER start=US ask=US end=US faults=N rss=KIB; `fresh` adds process=US\n";

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...) {
    va_list words;
    va_start(words, format);
    fputs("measure: ", stderr);
    vfprintf(stderr, format, words);
    fputc('\n', stderr);
    exit(2);
}

// The clock of whatever runs in this process. Linked with -rdynamic, so that modules get these and not libc's.
static time_t ahead;

static int real_clock(clockid_t id, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    return real(id, now);
}

int clock_gettime(clockid_t id, struct timespec *now) {
    int result = real_clock(id, now);
    if (id == CLOCK_REALTIME) now->tv_sec += ahead;
    return result;
}

time_t time(time_t *where) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (where != NULL) *where = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict where, void *restrict zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *where = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

static double microseconds(void) {
    struct timespec now;
    real_clock(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static time_t today(void) {
    struct timespec now;
    real_clock(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

struct codes {
    time_t first;
    size_t count, next;
    char (*code)[32];
};

struct way {
    char *name, *kind, *service, *user, *file;
    struct codes *codes;
};

static struct codes *read_codes(const char *path) {
    FILE *file = fopen(path, "r");
    if (file == NULL) die("%s: %s", path, strerror(errno));
    struct codes *codes = calloc(1, sizeof *codes);
    size_t room = 8192;
    codes->code = calloc(room, sizeof *codes->code);
    long first;
    if (fscanf(file, "%ld", &first) != 1) die("%s: no time", path);
    codes->first = first;
    while (codes->count < room && fscanf(file, "%31s", codes->code[codes->count]) == 1) codes->count++;
    fclose(file);
    return codes;
}

static struct way read_way(char *text) {
    struct way way = {0};
    way.name = strsep(&text, ":");
    way.kind = strsep(&text, ":");
    if (way.kind == NULL || text == NULL) die("not a case: %s", way.name);
    if (strcmp(way.kind, "accept") != 0 && strcmp(way.kind, "refuse") != 0) {
        way.file = text;
        return way;
    }
    way.service = strsep(&text, ":");
    way.user = strsep(&text, ":");
    if (way.user == NULL) die("not a case: %s", way.name);
    if (text != NULL && *text != '\0') way.codes = read_codes(text);
    return way;
}

// The next fresh code; the clock stands in the middle of its time step.
static const char *next_code(struct codes *codes) {
    if (codes == NULL) return "";
    if (codes->next == codes->count) die("no codes left: fewer rounds, or a longer file");
    ahead = codes->first + (time_t)(30 * codes->next) + 15 - today();
    return codes->code[codes->next++];
}

// Six digits that are none of the codes nearby.
static const char *wrong_code(const struct codes *codes) {
    static char wrong[8];
    for (int candidate = 0; candidate < 1000; candidate++) {
        snprintf(wrong, sizeof wrong, "%06d", candidate);
        bool is_near = false;
        size_t from = codes->next < 20 ? 0 : codes->next - 20;
        for (size_t nth = from; nth < codes->count && nth < codes->next + 20; nth++)
            is_near |= strcmp(codes->code[nth], wrong) == 0;
        if (!is_near) return wrong;
    }
    die("every code is right");
}

static int converse(int count, const struct pam_message **messages, struct pam_response **replies, void *code) {
    struct pam_response *answers = calloc((size_t)count, sizeof *answers);
    for (int i = 0; i < count; i++) {
        int style = messages[i]->msg_style;
        if (style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON) answers[i].resp = strdup(code);
    }
    *replies = answers;
    return PAM_SUCCESS;
}

static void no_delay(int code, unsigned delay, void *data) { (void)code, (void)delay, (void)data; }

// For strace: where pam_authenticate begins and ends.
static bool marks;

struct cost {
    int answer;
    double start, ask, end;
    long faults;
};

static struct cost log_in(const struct way *way, const char *code, int times) {
    struct pam_conv conversation = {converse, (void *)code};
    struct rusage before, after;
    struct cost cost = {0};
    pam_handle_t *pamh;
    double begun = microseconds();
    if (pam_start(way->service, way->user, &conversation, &pamh) != PAM_SUCCESS) die("pam_start %s", way->service);
    double started = microseconds();
    pam_set_item(pamh, PAM_FAIL_DELAY, (const void *)no_delay);
    pam_set_item(pamh, PAM_RHOST, "192.0.2.7");
    getrusage(RUSAGE_SELF, &before);
    for (int nth = 0; nth < times; nth++) {
        if (nth > 0) conversation.appdata_ptr = (void *)next_code(way->codes), pam_set_item(pamh, PAM_CONV, &conversation);
        if (marks) (void)!access("/begin", F_OK);
        double asked = microseconds();
        cost.answer = pam_authenticate(pamh, PAM_DISALLOW_NULL_AUTHTOK);
        cost.ask = microseconds() - asked;
        if (marks) (void)!access("/end", F_OK);
    }
    getrusage(RUSAGE_SELF, &after);
    double ending = microseconds();
    pam_end(pamh, cost.answer);
    cost.end = microseconds() - ending;
    cost.start = started - begun;
    cost.faults = after.ru_minflt - before.ru_minflt;
    return cost;
}

static int open_or_die(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0) die("%s: %s", path, strerror(errno));
    return fd;
}

static void least_work(const char *path) {
    static char block[4096];
    char otp[7];
    int fd = open_or_die(path, O_RDWR);
    if (pread(fd, block, 1024, 0) != 1024) die("%s: short", path);
    for (time_t step = 0; step < 3; step++) oath_totp_generate(block, 20, time(NULL) + 30 * step, 30, 0, 6, otp);
    memcpy(block + 32, otp, sizeof otp);
    if (pwrite(fd, block, sizeof block, 0) != sizeof block || fdatasync(fd) != 0) die("%s: %s", path, strerror(errno));
    close(fd);
}

// A directory of so many above it, each looked at, as core/src/trusted.rs does it.
static int reach_directory(const char *path, int above) {
    static const char up[] = "../../../..";
    struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
    struct statx found;
    int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
    if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_MODE, &found) != 0) die("%s: %s", path, strerror(errno));
    for (int n = 1; n <= above; n++) {
        char way[sizeof up];
        snprintf(way, sizeof way, "%.*s", 3 * n - 1, up);
        if (statx(fd, way, 0, STATX_MODE, &found) != 0) die("%s/%s: %s", path, way, strerror(errno));
    }
    return fd;
}

static int reach_file(int directory, const char *name, int flags) {
    struct statx found;
    int fd = openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NOATIME);
    if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_MODE, &found) != 0) die("%s: %s", name, strerror(errno));
    return fd;
}

static void reach(const char *person, const char *key) {
    static char bytes[12288];
    struct statx found;
    int config_directory = reach_directory("/etc/nightlatch", 2);
    int config = reach_file(config_directory, "config.toml", O_RDONLY);
    if (pread(config, bytes, sizeof bytes, 0) < 0) die("config: %s", strerror(errno));
    close(config), close(config_directory);
    int store = reach_directory("/var/lib/nightlatch", 3), users = reach_file(store, "users", O_RDONLY | O_DIRECTORY);
    int file = reach_file(users, person, O_RDWR);
    if (flock(file, LOCK_EX | LOCK_NB) != 0 || statx(users, person, AT_SYMLINK_NOFOLLOW, STATX_INO, &found) != 0 ||
        pread(file, bytes, sizeof bytes, 0) < 0)
        die("%s: %s", person, strerror(errno));
    int keys = reach_directory("/etc/nightlatch/keys", 3), master = reach_file(keys, key, O_RDONLY);
    if (pread(master, bytes, sizeof bytes, 0) < 0) die("key: %s", strerror(errno));
    close(master), close(keys);
    for (int n = 0; n < 2; n++)
        if (getrandom(bytes, 24, 0) != 24) die("getrandom: %s", strerror(errno));
    close(file), close(store), close(users);
}

static struct cost one_part(const struct way *way) {
    static char block[4096];
    struct iovec vector = {block, sizeof block};
    struct cost cost = {0};
    double begun = microseconds();
    if (strcmp(way->kind, "floor") == 0) {
        least_work(way->file);
    } else if (strcmp(way->kind, "write") == 0) {
        int fd = open_or_die(way->file, O_RDWR);
        block[0]++;
        begun = microseconds();
        if (pwritev2(fd, &vector, 1, 0, RWF_DSYNC) != sizeof block) die("%s: %s", way->file, strerror(errno));
        cost.ask = microseconds() - begun;
        close(fd);
        return cost;
    } else if (strcmp(way->kind, "reach") == 0) {
        char *names = strdup(way->file), *person = strsep(&names, "@");
        begun = microseconds();
        reach(person, names);
    } else if (strcmp(way->kind, "look-up") == 0) {
        if (getpwnam(way->file) == NULL) die("no user %s", way->file);
    } else if (strcmp(way->kind, "log") == 0) {
        openlog("measure", LOG_PID, LOG_AUTHPRIV);
        syslog(LOG_INFO, "a line as long as one that says who logged in by what from where: %s", way->file);
        closelog();
    } else {
        die("no such part: %s", way->kind);
    }
    cost.ask = microseconds() - begun;
    return cost;
}

static const char *word_for(int answer) {
    switch (answer) {
        case PAM_SUCCESS: return "success";
        case PAM_AUTH_ERR: return "refused";
        default: return "other";
    }
}

static void print_cost(const struct way *way, struct cost cost) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%s %s start=%.1f ask=%.1f end=%.1f faults=%ld rss=%ld", way->name, word_for(cost.answer), cost.start, cost.ask,
           cost.end, cost.faults, usage.ru_maxrss);
}

static bool is_part(const struct way *way) { return way->file != NULL; }
static bool is_refusal(const struct way *way) { return strcmp(way->kind, "refuse") == 0; }

static void here(const struct way *way) {
    struct cost cost;
    if (is_part(way)) {
        cost = one_part(way);
    } else {
        if (is_refusal(way)) next_code(way->codes);  // two tries a login, and google-authenticator allows three in 30 s
        const char *right = next_code(way->codes);
        cost = log_in(way, is_refusal(way) ? wrong_code(way->codes) : right, 1);
        // Nobody waits after one failure, and the right code makes it the first one again.
        if (is_refusal(way) && log_in(way, right, 1).answer != PAM_SUCCESS) die("%s: the right code is refused", way->name);
    }
    print_cost(way, cost);
    putchar('\n');
}

static void in_a_process(const struct way *way, char *text) {
    char shift[32];
    if (is_refusal(way)) next_code(way->codes);
    const char *right = next_code(way->codes);
    const char *code = is_refusal(way) ? wrong_code(way->codes) : right;
    snprintf(shift, sizeof shift, "%ld", (long)ahead);
    fflush(stdout);
    double begun = microseconds();
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "measure", "once", code, shift, text, (char *)NULL);
        _exit(127);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) die("%s: the process failed", way->name);
    printf(" process=%.1f\n", microseconds() - begun);
    if (is_refusal(way) && log_in(way, right, 1).answer != PAM_SUCCESS) die("%s: the right code is refused", way->name);
}

static int in_turn(bool fresh, int rounds, int logins, int count, char **texts) {
    struct way ways[64];
    char *whole[64];
    if (count > 64) die("too many cases");
    for (int i = 0; i < count; i++) whole[i] = strdup(texts[i]), ways[i] = read_way(texts[i]);
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++)
            for (int nth = 0; nth < logins; nth++)
                if (fresh)
                    in_a_process(&ways[i], whole[i]);
                else
                    here(&ways[i]);
    return 0;
}

// Children that wait at a pipe until all are there. Prints each, and what the round took.
static void at_once(struct way *ways, int count, char codes[][32], bool same) {
    int gate[2], done[2];
    if (pipe(gate) != 0 || pipe(done) != 0) die("pipe: %s", strerror(errno));
    fflush(stdout);
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        if (child < 0) die("fork: %s", strerror(errno));
        if (child == 0) {
            char byte, line[64];
            close(gate[1]);
            if (read(gate[0], &byte, 1) != 0) _exit(1);
            double begun = microseconds();
            struct cost cost = log_in(&ways[same ? 0 : i], codes[same ? 0 : i], 1);
            int length = snprintf(line, sizeof line, "%-8s %12.1f\n", word_for(cost.answer), microseconds() - begun);
            if (write(done[1], line, (size_t)length) != length) _exit(1);
            _exit(0);
        }
    }
    close(gate[0]), close(done[1]);
    usleep(20000);
    double begun = microseconds();
    close(gate[1]);
    while (wait(NULL) > 0) {}
    double whole = microseconds() - begun;
    FILE *lines = fdopen(done[0], "r");
    char answer[16];
    double latency;
    int answered = 0;
    for (; fscanf(lines, "%15s %lf", answer, &latency) == 2; answered++) printf("%s %s latency=%.1f\n", ways[0].name, answer, latency);
    fclose(lines);
    if (answered != count) die("%s: %d of %d answered", ways[0].name, answered, count);
    printf("%s round logins=%d whole=%.1f\n", ways[0].name, count, whole);
}

static int crowd(int rounds, int logins, int count, char **texts, bool same) {
    struct way ways[64];
    static char codes[64][32];
    if (count > 64 || logins > 64) die("too many at once");
    for (int i = 0; i < count; i++) ways[i] = read_way(texts[i]);
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < (same ? 1 : logins); i++) snprintf(codes[i], sizeof codes[i], "%s", next_code(ways[i].codes));
        at_once(ways, logins, codes, same);
    }
    return 0;
}

static int kills(int rounds, int whole, const char *stale, char *text) {
    struct way way = read_way(text);
    int shut_out = 0, answered = 0;
    unsigned seed = 4226;
    for (int round = 0; round < rounds; round++) {
        const char *code = next_code(way.codes);
        pid_t child = fork();
        if (child < 0) die("fork: %s", strerror(errno));
        if (child == 0) _exit(log_in(&way, code, 1).answer == PAM_SUCCESS ? 0 : 1);
        usleep((useconds_t)(rand_r(&seed) % whole));
        kill(child, SIGKILL);
        int status;
        waitpid(child, &status, 0);
        answered += WIFEXITED(status);
        if (log_in(&way, next_code(way.codes), 1).answer != PAM_SUCCESS) {
            shut_out++;
            for (int nth = 0; nth < 2; nth++) {
                char path[256];
                snprintf(path, sizeof path, "%s%s", stale, nth == 0 ? ".lock" : ".new");
                unlink(path);
            }
        }
    }
    printf("%s kills=%d before-the-answer=%d next-right-code-refused=%d\n", way.name, rounds, rounds - answered, shut_out);
    return 0;
}

static int populate(long count, long first, const char *source, const char *directory) {
    static char bytes[65536];
    int fd = open_or_die(source, O_RDONLY);
    ssize_t length = read(fd, bytes, sizeof bytes);
    int into = open_or_die(directory, O_RDONLY | O_DIRECTORY);
    for (long nth = 0; nth < count; nth++) {
        char name[32];
        snprintf(name, sizeof name, "%ld", first + nth);
        int copy = openat(into, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (copy < 0 || write(copy, bytes, (size_t)length) != length) die("%s/%s: %s", directory, name, strerror(errno));
        close(copy);
    }
    sync();
    return 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    int a = argc > 2 ? atoi(argv[2]) : 0, b = argc > 3 ? atoi(argv[3]) : 0;
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    bool fresh = strcmp(what, "fresh") == 0;
    if (argc >= 5 && (fresh || strcmp(what, "turns") == 0)) return in_turn(fresh, a, b, argc - 4, argv + 4);
    if (argc == 5 && (strcmp(what, "once") == 0 || strcmp(what, "marked") == 0)) {
        marks = what[0] == 'm';
        ahead = b;
        struct way way = read_way(argv[4]);
        print_cost(&way, is_part(&way) ? one_part(&way) : log_in(&way, argv[2], 1));
        return 0;
    }
    if (argc == 3 && (strcmp(what, "twice") == 0 || strcmp(what, "single") == 0)) {
        struct way way = read_way(argv[2]);
        const char *code = next_code(way.codes);
        struct cost cost = log_in(&way, is_refusal(&way) ? wrong_code(way.codes) : code, what[0] == 't' ? 2 : 1);
        puts(word_for(cost.answer));
        return 0;
    }
    if (argc >= 5 && strcmp(what, "crowd") == 0) return crowd(a, b, argc - 4, argv + 4, false);
    if (argc == 5 && strcmp(what, "one-code") == 0) return crowd(a, b, 1, argv + 4, true);
    if (argc == 6 && strcmp(what, "kills") == 0) return kills(a, b, argv[4], argv[5]);
    if (argc == 6 && strcmp(what, "populate") == 0) return populate(atol(argv[2]), atol(argv[3]), argv[4], argv[5]);
    fputs(usage, stderr);
    return 2;
}
