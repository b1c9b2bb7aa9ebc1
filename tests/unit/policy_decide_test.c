/* with: policy/[a-z]*.c */
/* Decisions: a policy, a question, an answer, one row each. */
#include "tests/unit/policy_test.h"

struct ask {
	const char *image;      /* catalogue name */
	const char *image_path; /* asked for by path, or as opened */
	struct policy_bind binds[4];
	const char *missing;           /* of the rules' paths: not there for the caller */
	const char *link[2];           /* of the rules' paths: opened, it is another */
	struct policy_place home, cwd; /* path "": none; typed NULL: alice's */
	const char *devices[3], *envs[3], *command[4], *cdi[3], *brought[3];
	const char *also[3]; /* CDI device and node, in turn: one entry */
	const char *network, *run_as;
	bool ipc_host;
	enum policy_scratch scratch;
	uint64_t scratch_size;
};

struct row {
	const char *policy;
	struct ask ask;
	const char
	    *mounts;      /* "PATH>DESTINATION:ro ... scratch:BYTES" when allowed; NULL: refused */
	const char *text; /* in reason when refused, else in rule; NULL: any */
};

#define CATALOGUE                                                                                  \
	"[image pytorch]\npath = /srv/images/pytorch.sqfs\nsha256 = " HEX "\n"                     \
	"[image torch-alias]\npath = /srv/images/pytorch.sqfs\n"                                   \
	"[image plain]\npath = /srv/images/plain.sqfs\n"
#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ALLOW(name, more) "[allow " name "]\nusers = *\nimages = *\n" more
#define NO_HOME .home = {.path = ""}, .cwd = {.path = ""}
#define BIND(p, d, m)                                                                              \
	{                                                                                          \
		p, p, d, m                                                                         \
	}
#define AS POLICY_AS_GRANTED
#define RO POLICY_READ_ONLY
#define RW POLICY_READ_WRITE

static const struct row rows[] = {
    /* default no */
    {"# nothing\n", {.image = "pytorch"}, NULL, "not permitted to you here and now; there is none"},
    {ALLOW("a", ""), {.image = "pytorch"}, "", "allow a ("},
    {"[allow a]\nusers = bob\nimages = *\n", {.image = "pytorch"}, NULL, "there is none"},
    {"[grant g]\nusers = *\nbinds = /x\n", {.image = "pytorch"}, NULL, "there is none"},

    /* a deny about the network is about what the container would get: without a rule nothing */
    {"[deny d]\nnetwork = host none\n[allow a]\nusers = bob\nimages = *\n", {.image = "pytorch"},
        NULL, "there is none"},
    {ALLOW("a", "network = host\n") "[deny d]\nnetwork = host\n", {.image = "pytorch"}, NULL,
        "for what the container would get"},
    {ALLOW("a", "network = host\n") "[deny d]\nbinds = ~\n", {.image = "plain"}, "", NULL},
    {ALLOW("a", "binds = ~\n") "[deny d]\nbinds = ~\n", {.image = "plain"}, NULL,
        "for what the container would get"},
    {ALLOW("a", "devices = *\n") "[deny d]\ndevices = /dev/x\n",
        {.image = "plain", .devices = {"/dev/x"}}, NULL, "for what the container would get"},

    /* a name that was looked up for one rule counts for the next */
    {"[allow x]\nusers = +lab\nimages = y\n[allow a]\nusers = +lab\nimages = *\n",
        {.image = "plain"}, "", "allow a ("},
    {"[allow x]\nusers = %staff\nimages = y\n[allow a]\nusers = bob %staff\nimages = *\n",
        {.image = "plain"}, "", "allow a ("},
    {"[allow x]\nusers = +none %none\nimages = y\n[allow a]\nusers = +none %none\nimages = *\n",
        {.image = "plain"}, NULL, "not permitted"},
    {ALLOW("a",
         "") "[deny x]\nusers = %interns\nimages = y\n[deny d]\nusers = %interns\nimages = *\n",
        {.image = "plain"}, NULL, "deny d"},
    {ALLOW("a", "") "[deny d]\nusers = %none bob #7\nimages = *\n", {.image = "plain"}, "", NULL},

    /* a deny means home as it was opened, and as it is called */
    {ALLOW("a", "binds = /lustre\n") "[deny d]\nbinds = ~\n",
        {.image = "plain",
            .home = {"/home/alice", "/lustre/alice", true, true},
            .cwd = {"/w", "/w", true, true},
            .binds = {BIND("/lustre/alice/x", "/x", AS)}},
        NULL, "deny d"},
    {ALLOW("a", "binds = /home\n") "[deny d]\nbinds = ~\n",
        {.image = "plain",
            .home = {"/home/alice", "/lustre/alice", true, true},
            .cwd = {"/w", "/w", true, true},
            .binds = {BIND("/home/alice/x", "/x", AS)}},
        NULL, "deny d"},
    {ALLOW("a", "binds = /lustre /home\n") "[deny d]\nbinds = .\n",
        {.image = "plain",
            .home = {"/home/alice", "/lustre/alice", false, true},
            .cwd = {"/w", "/v", true, true},
            .binds = {BIND("/lustre/alice/x", "/x", AS), BIND("/home/alice/x", "/y", AS)}},
        "/lustre/alice/x>/x:ro /home/alice/x>/y:ro", NULL},

    /* what appears where: asked for before always, always before home and working directory */
    {ALLOW("a", "binds = /d\nalways = /z:/x:rw\n"),
        {.image = "plain", NO_HOME, .binds = {BIND("/d", "/x", AS)}}, "/d>/x:ro", NULL},
    {ALLOW("a", "always = /a:/x /b:/x:rw\n"), {.image = "plain", NO_HOME}, "/a>/x:ro", NULL},
    {ALLOW("a", "always = /a:/x /a:/x:rw\n"), {.image = "plain", NO_HOME}, "/a>/x:rw", NULL},
    {ALLOW("a", "binds = /d ~:rw\nalways = /b:/home/g\n"),
        {.image = "plain",
            .home = {"/home/g/alice", "/h/alice", true, true},
            .cwd = {.path = ""},
            .binds = {BIND("/d", "/home", AS)}},
        "/d>/home:ro /b>/home/g:ro /h/alice>/home/g/alice:rw", NULL},
    {ALLOW("a", "binds = ~:rw\n"),
        {.image = "plain", .home = {"/", "/h/alice", true, true}, .cwd = {.path = ""}}, "", NULL},
    {ALLOW("a", "binds = ~:rw\n"),
        {.image = "plain", .home = {"/a/../b", "/h/alice", true, true}, .cwd = {.path = ""}}, "",
        NULL},
    {ALLOW("a", "binds = /x:rw\n"),
        {.image = "plain", .home = {.path = ""}, .cwd = {"/etc/w", "/x/w", true, true}}, "", NULL},
    {ALLOW("a", "binds = /etc:rw\n"),
        {.image = "plain", .home = {.path = ""}, .cwd = {"/x/w", "/etc/w", true, true}}, "", NULL},
    {"[deny d]\nbinds = /b\n[allow a]\nusers = bob\nimages = *\n",
        {.image = "plain", .binds = {BIND("/a", "/a", AS), BIND("/b", "/b", AS)}}, NULL,
        "denied by the rule deny d"},

    /* images */
    {"[allow a]\nusers = *\nimages = pytorch\n", {.image = "pytorch"}, "", NULL},
    {"[allow a]\nusers = *\nimages = pytorch\n", {.image = "plain"}, NULL, "you may run: pytorch"},
    {"[allow a]\nusers = *\nimages = pytorch\n", {.image_path = "/srv/images/pytorch.sqfs"}, NULL,
        "not permitted"},
    {"[allow a]\nusers = *\nimages = py*\n", {.image = "pytorch"}, "", NULL},
    {"[allow a]\nusers = *\nimages = py*\n", {.image_path = "/py"}, NULL, NULL},
    {"[allow a]\nusers = *\nimages = /srv/images/*\n", {.image_path = "/srv/images/x"}, "", NULL},
    {"[allow a]\nusers = *\nimages = /srv/images/*\n", {.image_path = "/srv/images/y/x"}, NULL,
        NULL},
    {"[allow a]\nusers = *\nimages = /srv/images/\n", {.image_path = "/srv/images/y/x"}, "", NULL},
    {"[allow a]\nusers = *\nimages = /srv/images/*\n", {.image = "plain"}, "", NULL},
    {"[allow a]\nusers = *\nimages = /srv/images/*\n", {.image = "plain", .image_path = "/else/x"},
        NULL, NULL},
    {"[allow a]\nusers = *\nimages = sha256:" HEX "\n", {.image = "pytorch"}, "", NULL},
    {"[allow a]\nusers = *\nimages = sha256:" HEX "\n", {.image = "plain"}, NULL, NULL},
    {"[allow a]\nusers = *\nimages = sha256:" OTHER "\n", {.image = "pytorch"}, NULL, NULL},
    {"[allow a]\nusers = *\nimages = sha256:" HEX "\n", {.image_path = "/srv/x"}, NULL, NULL},

    /* a deny anywhere; an image under its other name and digest is the same image */
    {ALLOW("a", "") "[deny d]\nusers = alice\n", {.image = "pytorch"}, NULL,
        "denied by the rule deny d ("},
    {"[deny d]\nusers = alice\n" ALLOW("a", ""), {.image = "pytorch"}, NULL, "deny d"},
    {ALLOW("a", "") "[deny d]\nusers = bob\n", {.image = "pytorch"}, "", NULL},
    {ALLOW("a", "") "[deny d]\nimages = pytorch\n", {.image = "torch-alias"}, NULL, "deny d"},
    {ALLOW("a", "") "[deny d]\nimages = sha256:" HEX "\n", {.image = "torch-alias"}, NULL,
        "deny d"},
    {ALLOW("a", "") "[deny d]\nimages = pytorch\n", {.image = "plain"}, "", NULL},
    {ALLOW("a", "") "[deny d]\nimages = /srv/images/pytorch.sqfs\n",
        {.image = "pytorch", .image_path = "/real/store/1"}, NULL, "deny d"},
    {ALLOW("a", "") "[deny d]\nimages = *\nusers = * !alice\n", {.image = "pytorch"}, "", NULL},

    /* binds: SRC and below, never beside */
    {ALLOW("a", "binds = /scratch:rw\n"),
        {.image = "plain", .binds = {BIND("/scratch/x", "/x", AS)}}, "/scratch/x>/x:rw", NULL},
    {ALLOW("a", "binds = /scratch:rw\n"),
        {.image = "plain", .binds = {BIND("/scratch2", "/x", AS)}}, NULL,
        "bind /scratch2 is not granted; allow a ("},
    {ALLOW("a", "binds = /scratch:rw ~\n"),
        {.image = "plain", .binds = {BIND("/scratch2", "/x", AS)}}, NULL, "grants /scratch:rw, ~"},
    {ALLOW("a", "binds = /scratch\n"), {.image = "plain", .binds = {BIND("/", "/x", AS)}}, NULL,
        NULL},
    {ALLOW("a", "binds = /data\n"), {.image = "plain", .binds = {BIND("/data", "/x", AS)}},
        "/data>/x:ro", NULL},
    {ALLOW("a", "binds = /data\n"), {.image = "plain", .binds = {BIND("/data", "/x", RW)}}, NULL,
        "granted read-only, not rw, by allow a"},
    {ALLOW("a", "binds = /data:rw\n"), {.image = "plain", .binds = {BIND("/data", "/x", RO)}},
        "/data>/x:ro", NULL},
    {ALLOW("a", "binds = /data /data/me:rw\n"),
        {.image = "plain", .binds = {BIND("/data/me", "/x", RW), BIND("/data/you", "/y", AS)}},
        "/data/me>/x:rw /data/you>/y:ro", NULL},
    {ALLOW("a", "binds = /data\n"),
        {.image = "plain", .binds = {{"/data/l", "/etc/shadow", "/x", AS}}}, NULL,
        "bind /data/l, which is /etc/shadow is not granted"},
    {ALLOW("a", "binds = /link\n"),
        {.image = "plain", .link = {"/link", "/real"}, .binds = {{"/link", "/real", "/link", AS}}},
        "/real>/link:ro", NULL},
    {ALLOW("a", "binds = /link\n"),
        {.image = "plain", .missing = "/link", .binds = {BIND("/link", "/link", AS)}}, NULL, NULL},
    {ALLOW("a", "binds = /d\n"),
        {.image = "plain", .binds = {BIND("/d", "/x", AS), BIND("/d", "/x/", AS)}}, NULL,
        "something else is to appear at /x/"},
    {ALLOW("a", "binds = /d\n"), {.image = "plain", .binds = {BIND("/d", "/x/../y", AS)}}, NULL,
        "without '..'"},
    {ALLOW("a", "binds = /d\n"), {.image = "plain", .binds = {BIND("/d", "/", AS)}}, NULL, "not /"},
    {ALLOW("a", "binds = /d\n"),
        {.image = "plain",
            .binds = {BIND("/d/1", "/a/b/c", AS), BIND("/d/2", "/a", AS), BIND("/d/3", "/a/b", AS),
                BIND("/d/4", "/a-b", AS)}},
        "/d/2>/a:ro /d/4>/a-b:ro /d/3>/a/b:ro /d/1>/a/b/c:ro", NULL},

    /* where it appears: named by the rule, or its own place */
    {ALLOW("a", "binds = /d:/x\n"), {.image = "plain", .binds = {BIND("/d/1", "/x/1", AS)}},
        "/d/1>/x/1:ro", NULL},
    {ALLOW("a", "binds = /d:/x\n"), {.image = "plain", .binds = {BIND("/d/1", "/d/1", AS)}},
        "/d/1>/d/1:ro", NULL},
    {ALLOW("a", "binds = /d:/x\n"), {.image = "plain", .binds = {BIND("/d/1", "/x", AS)}}, NULL,
        "may not appear at /x"},
    {ALLOW("a", "binds = /d:/x\n"), {.image = "plain", .binds = {BIND("/d/1", "/y", AS)}}, NULL,
        "may not appear at /y"},
    {ALLOW("a", "command = /opt/run ...\nbinds = /srv/models:rw\n"),
        {.image = "plain",
            NO_HOME,
            .command = {"/opt/run", "x"},
            .binds = {BIND("/srv/models/m", "/srv/models/m", AS)}},
        "/srv/models/m>/srv/models/m:rw", NULL},
    {ALLOW("a", "command = /opt/run ...\nbinds = /srv/models:rw\n"),
        {.image = "plain", .command = {"/opt/run"}, .binds = {BIND("/srv/models/m", "/opt", AS)}},
        NULL, "may not appear at /opt"},
    {ALLOW("a", "command = /opt/run ...\nbinds = /srv/models:rw\n"), /* a link of the caller's */
        {.image = "plain",
            .command = {"/opt/run"},
            .binds = {{"/opt", "/srv/models/m", "/opt", AS}}},
        NULL, "may not appear at /opt"},
    {ALLOW("a", "command = /opt/run ...\nbinds = /link\n"),
        {.image = "plain",
            NO_HOME,
            .command = {"/opt/run"},
            .link = {"/link", "/real"},
            .binds = {{"/link/1", "/real/1", "/link/1", AS}}},
        "/real/1>/link/1:ro", NULL},

    /* home and working directory */
    {ALLOW("a", "binds = ~:rw\n"), {.image = "plain"}, "/home/alice>/home/alice:rw", NULL},
    {ALLOW("a", "binds = ~ .:rw\n"), {.image = "plain"},
        "/home/alice>/home/alice:ro /home/alice/work>/home/alice/work:rw", NULL},
    {ALLOW("a", "binds = .:rw\n"), {.image = "plain"}, "/home/alice/work>/home/alice/work:rw",
        NULL},
    {ALLOW("a", "binds = ~:rw\n"),
        {.image = "plain",
            .home = {"/home/alice", "/lustre/a", true, true},
            .cwd = {"/lustre/a/w", "/lustre/a/w", true, true}},
        "/lustre/a>/home/alice:rw /lustre/a/w>/lustre/a/w:rw", NULL},
    {ALLOW("a", "binds = ~:rw\n"),
        {.image = "plain", .home = {"/home/alice", "/home/alice", true, false}}, "", NULL},
    {ALLOW("a", "binds = ~:rw\n"),
        {.image = "plain",
            .home = {"/home/alice", "/home/alice", false, true},
            .cwd = {.path = ""}},
        "", NULL},
    {ALLOW("a", "binds = ~:rw\n"),
        {.image = "plain", .home = {"/", "/", true, true}, .cwd = {"/x", "/x", true, true}}, "",
        NULL},
    {ALLOW("a", "binds = ~:rw\n"),
        {.image = "plain",
            .home = {"/home/alice", "/home/alice", true, false},
            .cwd = {.path = ""},
            .binds = {BIND("/home/alice", "/h", AS)}},
        NULL, "not granted"},
    {ALLOW("a", "binds = ~:rw\n"), {.image = "plain", .binds = {BIND("/home/alice/d", "/d", AS)}},
        "/home/alice/d>/d:rw /home/alice>/home/alice:rw", NULL},
    {ALLOW("a", "binds = .:rw\n"), {.image = "plain", .cwd = {"/", "/", true, true}}, "", NULL},
    {ALLOW("a", "binds = .:rw\n"), {.image = "plain", .cwd = {"/etc/x", "/etc/x", true, true}}, "",
        NULL},
    {ALLOW("a", "binds = .:rw\n"), {.image = "plain", .cwd = {"/usr", "/usr", true, true}}, "",
        NULL},
    {ALLOW("a", "binds = .:rw\n"), {.image = "plain", .cwd = {"/lib64", "/lib64", true, true}}, "",
        NULL},
    {ALLOW("a", "binds = .:rw\n"), {.image = "plain", .cwd = {"/x", "/root/x", true, true}}, "",
        NULL},
    {ALLOW("a", "binds = .:rw\n"),
        {.image = "plain", .cwd = {"/run/user/1", "/run/user/1", true, true}}, "", NULL},
    {ALLOW("a", "binds = .:rw\n"),
        {.image = "plain", .cwd = {"/etc", "/etc", true, true}, .binds = {BIND("/etc", "/e", AS)}},
        NULL, "bind /etc is not granted"},
    {ALLOW("a", "binds = /\n"),
        {.image = "plain", .home = {.path = ""}, .cwd = {"/etc", "/etc", true, true}}, "", NULL},
    {ALLOW("a", "binds = /scratch:rw\n"),
        {.image = "plain", .cwd = {"/scratch/a", "/scratch/a", true, true}},
        "/scratch/a>/scratch/a:rw", NULL},
    {ALLOW("a", "binds = /d .:rw\n"), /* what was asked for wins over the working directory */
        {.image = "plain", .cwd = {"/w", "/w", true, true}, .binds = {BIND("/d", "/w", AS)}},
        "/d>/w:ro", NULL},
    {ALLOW("a", "binds = /d ~:rw\n"), {.image = "plain", .binds = {BIND("/d", "/home", AS)}},
        "/d>/home:ro", NULL},
    {ALLOW("a", "command = x\nbinds = ~:rw\n"), {.image = "plain", .command = {"x"}},
        "/home/alice>/home/alice:rw", NULL},

    /* always */
    {ALLOW("a", "always = /scratch:rw /apps\n"), {.image = "plain"},
        "/apps>/apps:ro /scratch>/scratch:rw", NULL},
    {ALLOW("a", "always = /apps:/opt/apps\n"), {.image = "plain"}, "/apps>/opt/apps:ro", NULL},
    {ALLOW("a", "always = /apps\n"), {.image = "plain", .missing = "/apps"}, NULL,
        "/apps, which is always mounted (allow a), is not there"},
    {ALLOW("a", "always = /apps\nbinds = /d\n"),
        {.image = "plain", .binds = {BIND("/d", "/apps", AS)}}, "/d>/apps:ro", NULL},
    {ALLOW("a", "always = /scratch:rw\n"),
        {.image = "plain", .cwd = {"/scratch/w", "/scratch/w", true, true}}, "/scratch>/scratch:rw",
        NULL},
    {ALLOW("a", "always = /scratch:rw\n"),
        {.image = "plain", .binds = {BIND("/scratch/x", "/x", RW)}},
        "/scratch>/scratch:rw /scratch/x>/x:rw", NULL},
    {ALLOW("a", "always = /s\n") "[grant g]\nusers = *\nalways = /s:rw /t\n", {.image = "plain"},
        "/s>/s:rw /t>/t:ro", NULL},

    /* grants add up; each for its own image; none starts anything */
    {ALLOW("a", "") "[grant phys]\nusers = %staff\nbinds = /project/phys:rw\n"
                    "[grant bio]\nusers = alice\nbinds = /project/bio\n",
        {.image = "plain",
            .binds = {BIND("/project/phys", "/p", AS), BIND("/project/bio", "/b", AS)}},
        "/project/bio>/b:ro /project/phys>/p:rw", NULL},
    {ALLOW("a", "") "[grant g]\nusers = bob\nbinds = /g\n",
        {.image = "plain", .binds = {BIND("/g", "/g", AS)}}, NULL, "grants no binds"},
    {ALLOW("a", "") "[grant g]\nusers = *\nimages = pytorch\nbinds = /g\n",
        {.image = "plain", .binds = {BIND("/g", "/g", AS)}}, NULL, NULL},
    {ALLOW("a", "") "[grant g]\nusers = *\nimages = pytorch\nbinds = /g\n",
        {.image = "pytorch", .binds = {BIND("/g", "/g", AS)}}, "/g>/g:ro", NULL},
    {ALLOW("a", "") "[grant g]\nusers = *\ndevices = /dev/nvidia*\nshare = ipc\n",
        {.image = "plain", .devices = {"/dev/nvidia0"}, .ipc_host = true}, "", NULL},

    {ALLOW("a", "grants = no\n") "[grant g]\nusers = *\nbinds = /g\n",
        {.image = "plain", .binds = {BIND("/g", "/g", AS)}}, NULL, "grants no binds"},
    {ALLOW("a", "grants = yes\n") "[grant g]\nusers = *\nbinds = /g\n",
        {.image = "plain", .binds = {BIND("/g", "/g", AS)}}, "/g>/g:ro", NULL},
    {ALLOW("a", "grants = no\nbinds = /x\n") ALLOW("b", "") "[grant g]\nusers = *\nbinds = /g\n",
        {.image = "plain", .binds = {BIND("/g", "/g", AS)}}, "/g>/g:ro", "allow b ("},

    /* a writable root: the most that rule and grants give, no more than a rule passed over does */
    {ALLOW("a", "scratch = 1K\n"), {.image = "plain"}, "", NULL},
    {ALLOW("a", "scratch = 1K\n"), {.image = "plain", .scratch = POLICY_SCRATCH}, "scratch:1024",
        NULL},
    {ALLOW("a", ""), {.image = "plain", .scratch = POLICY_SCRATCH}, NULL,
        "writable root (scratch) is not granted by allow a ("},
    {ALLOW("a", ""), {.image = "plain", .scratch = POLICY_SCRATCH_IF_GRANTED}, "", NULL},
    {ALLOW("a", "scratch = 1K\n"), {.image = "plain", .scratch = POLICY_SCRATCH_IF_GRANTED},
        "scratch:1024", NULL},
    {ALLOW("a", "scratch = 1K\n"),
        {.image = "plain", .scratch = POLICY_SCRATCH, .scratch_size = 1000}, "scratch:1000", NULL},
    {ALLOW("a", "scratch = 1K\n"),
        {.image = "plain", .scratch = POLICY_SCRATCH, .scratch_size = 1025}, NULL,
        "of 1025 bytes is not granted, only one of 1024 (scratch), by allow a ("},
    {ALLOW("a", "") ALLOW("b", "scratch = 2K\n"), {.image = "plain", .scratch = POLICY_SCRATCH},
        "scratch:2048", "allow b ("},
    {ALLOW("a", "") ALLOW("b", "scratch = 2K\n"),
        {.image = "plain", .scratch = POLICY_SCRATCH_IF_GRANTED}, "", "allow a ("},
    {ALLOW("a", "scratch = 1K\n") "[grant g]\nusers = *\nscratch = 3K\n",
        {.image = "plain", .scratch = POLICY_SCRATCH}, "scratch:3072", NULL},
    {ALLOW("a", "") "[grant g]\nusers = *\nimages = pytorch\nscratch = 3K\n",
        {.image = "plain", .scratch = POLICY_SCRATCH}, NULL, "not granted"},
    {ALLOW("a", "scratch = 1K\ngrants = no\n") "[grant g]\nusers = *\nscratch = 3K\n",
        {.image = "plain", .scratch = POLICY_SCRATCH}, "scratch:1024", NULL},
    {ALLOW("a", "scratch = 1K\n") ALLOW("b", "binds = /x\nscratch = 4K\n"),
        {.image = "plain", .binds = {BIND("/x", "/x", AS)}, .scratch = POLICY_SCRATCH},
        "/x>/x:ro scratch:1024", "allow b ("},
    {ALLOW("a", "scratch = 1K\n") ALLOW("b", "") ALLOW("c", "binds = /x\nscratch = 4K\n"),
        {.image = "plain", .binds = {BIND("/x", "/x", AS)}, .scratch = POLICY_SCRATCH},
        "/x>/x:ro scratch:1024", "allow c ("},
    {ALLOW("a", "scratch = 2K\n") ALLOW("b", "scratch = 1K\n")
            ALLOW("c", "binds = /x\nscratch = 4K\n"),
        {.image = "plain", .binds = {BIND("/x", "/x", AS)}, .scratch = POLICY_SCRATCH},
        "/x>/x:ro scratch:1024", "allow c ("},
    {ALLOW("a", "scratch = 1K\n") ALLOW("b", "scratch = 4K\n"),
        {.image = "plain", .scratch = POLICY_SCRATCH, .scratch_size = 2048}, NULL,
        "of 2048 bytes is not permitted: a rule that was passed over limits it to 1024"},
    {ALLOW("a", "password = yes\n") ALLOW("b", "scratch = 1K\nrun_as = svc\n"),
        {.image = "plain", .run_as = "svc", .scratch = POLICY_SCRATCH}, "scratch:1024",
        "allow b ("},

    /* limits that nothing enforces yet refuse, also those of a rule passed over */
    {ALLOW("a", "memory = 8G\n"), {.image = "plain"}, NULL, "policy.conf:8) sets memory"},
    {ALLOW("a", "memory = 8G\n") ALLOW("b", "binds = /x\ncpus = 2\n"),
        {.image = "plain", .binds = {BIND("/x", "/x", AS)}}, NULL, "allow a ("},
    {ALLOW("a", "devices = v.com/gpu=*\n") "[deny d]\ndevices = /dev/other\n",
        {.image = "plain", .cdi = {"v.com/gpu=0"}, .brought = {"/lib/v.so", "/dev/v0"}}, "", NULL},
    {ALLOW("a", "cpus = 4\n"), {.image = "plain"}, NULL, "sets cpus"},
    {ALLOW("a", "pids = 4\n") ALLOW("b", "binds = /b\n"),
        {.image = "plain", .binds = {BIND("/b", "/b", AS)}}, NULL, "sets pids"},
    {"[allow a]\nusers = *\nimages = pytorch\npids = 4\n" ALLOW("b", ""), {.image = "plain"}, "",
        "allow b ("},

    /* devices by CDI names */
    {ALLOW("a", "devices = v.com/gpu=*\n"), {.image = "plain", .cdi = {"v.com/gpu=0"}}, "", NULL},
    {ALLOW("a", "devices = v.com/gpu=1\n"), {.image = "plain", .cdi = {"v.com/gpu=0"}}, NULL,
        "device v.com/gpu=0 is not granted"},
    {ALLOW("a", "devices = /dev/*\n"), {.image = "plain", .cdi = {"v.com/gpu=0"}}, NULL,
        "device v.com/gpu=0 is not granted"},
    {ALLOW("a", "devices = *\n") "[deny d]\ndevices = v.com/gpu=*\n",
        {.image = "plain", .cdi = {"v.com/gpu=0"}}, NULL, "deny d"},
    {ALLOW("a", "devices = *\n") "[deny d]\ndevices = w.com/gpu=*\n",
        {.image = "plain", .cdi = {"v.com/gpu=0"}, .brought = {"/dev/v0"}}, "", NULL},
    {ALLOW("a", "devices = *\n") "[deny d]\ndevices = /dev/v*\n",
        {.image = "plain", .cdi = {"v.com/gpu=0"}, .brought = {"/lib/v.so", "/dev/v0"}}, NULL,
        "deny d"},
    {ALLOW("a", "devices = *\n") "[deny d]\nbinds = /lib\n",
        {.image = "plain", .cdi = {"v.com/gpu=0"}, .brought = {"/lib/v.so", "/dev/v0"}}, NULL,
        "deny d"},
    {ALLOW("a", "devices = *\n") "[deny d]\ndevices = v.com/gpu=0\n",
        {.image = "plain",
            .cdi = {"v.com/gpu=all"},
            .brought = {"/dev/v0"},
            .also = {"v.com/gpu=0", "/dev/v0"}},
        NULL, "deny d"},
    {ALLOW("a", "devices = *\n") "[deny d]\ndevices = v.com/gpu=0\n",
        {.image = "plain", .devices = {"/dev/v0"}, .also = {"v.com/gpu=0", "/dev/v0"}}, NULL,
        "deny d"},
    {ALLOW("a", "devices = *\n") "[deny d]\ndevices = v.com/gpu=0\n",
        {.image = "plain", .devices = {"/dev/v1"}, .also = {"v.com/gpu=0", "/dev/v0"}}, "", NULL},
    {ALLOW("a", "binds = /\n") "[deny d]\ndevices = v.com/gpu=0\n",
        {.image = "plain",
            NO_HOME,
            .binds = {BIND("/dev", "/x", AS)},
            .also = {"v.com/gpu=0", "/dev/v0"}},
        NULL, "deny d"},

/* embargo: this data only without a network, however it gets in */
#define EMBARGO "[deny leak]\nbinds = /embargo/x\nnetwork = host\n"
    {EMBARGO ALLOW("a", "binds = / ~\nnetwork = host none\n"),
        {.image = "plain", NO_HOME, .binds = {BIND("/embargo/x", "/x", AS)}}, NULL, "deny leak"},
    {EMBARGO ALLOW("a", "binds = / ~\nnetwork = host none\n"),
        {.image = "plain", NO_HOME, .network = "none", .binds = {BIND("/embargo/x", "/x", AS)}},
        "/embargo/x>/x:ro", NULL},
    {EMBARGO ALLOW("a", "binds = /\nnetwork = host none\n"), /* a parent */
        {.image = "plain", NO_HOME, .binds = {BIND("/embargo", "/x", AS)}}, NULL, "deny leak"},
    {EMBARGO ALLOW("a", "binds = /\nnetwork = host none\n"), /* a child */
        {.image = "plain", NO_HOME, .binds = {BIND("/embargo/x/y", "/x", AS)}}, NULL, "deny leak"},
    {EMBARGO ALLOW("a", "binds = /\nnetwork = host none\n"), /* beside */
        {.image = "plain", NO_HOME, .binds = {BIND("/embargo/x2", "/x", AS)}}, "/embargo/x2>/x:ro",
        NULL},
    {EMBARGO ALLOW("a", "binds = .\nnetwork = host\n"), /* by the working directory */
        {.image = "plain", .cwd = {"/embargo/x", "/embargo/x", true, true}}, NULL, "deny leak"},
    {EMBARGO ALLOW("a", "binds = .\nnetwork = host\n"), /* which stays outside */
        {.image = "plain", .cwd = {"/embargo/x", "/embargo/x", false, true}}, "", NULL},
    {EMBARGO ALLOW("a", "always = /embargo\nnetwork = host\n"), {.image = "plain"}, NULL,
        "deny leak"},
    {EMBARGO ALLOW("a", "binds = /\nnetwork = none host\n"), /* the default is none */
        {.image = "plain", NO_HOME, .binds = {BIND("/embargo/x", "/x", AS)}}, "/embargo/x>/x:ro",
        NULL},
    {EMBARGO ALLOW("a",
         "binds = /\nnetwork = host\n"), /* opened elsewhere; denied as opened and as written */
        {.image = "plain",
            NO_HOME,
            .link = {"/embargo/x", "/real"},
            .binds = {BIND("/real/1", "/x", AS)}},
        NULL, "deny leak"},
    {EMBARGO ALLOW("a", "binds = /\nnetwork = host\n"), /* not open to the caller: as written */
        {.image = "plain", NO_HOME, .missing = "/embargo/x", .binds = {BIND("/embargo", "/x", AS)}},
        NULL, "deny leak"},
    {EMBARGO ALLOW("a", "network = host\n"), {.image_path = "/embargo/x/image.sif"}, NULL,
        "deny leak"},
    {"[deny d]\nbinds = ~\n" ALLOW("a", "binds = ~\n"), {.image = "plain"}, NULL, "deny d"},
    {"[deny d]\nbinds = ~\n" ALLOW("a", ""), {.image = "plain"}, "", NULL},
    {"[deny d]\nnetwork = host\n" ALLOW("a", "network = host\n"), {.image = "plain"}, NULL,
        "deny d"},
    {"[deny d]\nnetwork = none\n" ALLOW("a", ""), {.image = "plain"}, NULL, "deny d"},

    /* devices */
    {ALLOW("a", "devices = /dev/nvidia*\n"),
        {.image = "plain", .devices = {"/dev/nvidia0", "/dev/nvidiactl"}}, "", NULL},
    {ALLOW("a", "devices = /dev/nvidia*\n"),
        {.image = "plain", .devices = {"/dev/nvidia0", "/dev/kvm"}}, NULL,
        "device /dev/kvm is not granted by allow a"},
    {ALLOW("a", "devices = /dev/nvidia*\n"), {.image = "plain", .devices = {"/dev/nvidia/x"}}, NULL,
        NULL},
    {ALLOW("a", "devices = nvidia.com/gpu=*\n"), {.image = "plain", .devices = {"/dev/nvidia0"}},
        NULL, NULL},
    {"[deny d]\ndevices = /dev/kvm\n" ALLOW("a", "devices = *\n"),
        {.image = "plain", .devices = {"/dev/kvm"}}, NULL, "deny d"},
    {"[deny d]\ndevices = /dev/kvm\n" ALLOW("a", "devices = *\n"),
        {.image = "plain", .devices = {"/dev/fuse"}}, "", NULL},
    {"[deny d]\ndevices = /dev/nvidia*\n" ALLOW("a", "binds = /\n"), /* all of /dev, as a bind */
        {.image = "plain", NO_HOME, .binds = {BIND("/dev", "/x", AS)}}, NULL, "deny d"},
    {"[deny d]\nbinds = /dev/kvm\n" ALLOW("a", "devices = *\n"),
        {.image = "plain", .devices = {"/dev/kvm"}}, NULL, "deny d"},
    {"[deny d]\ndevices = *\n" ALLOW("a", "binds = ~\n"), {.image = "plain"},
        "/home/alice>/home/alice:ro", NULL},

    /* network, IPC, environment */
    {ALLOW("a", ""), {.image = "plain", .network = "host"}, NULL,
        "network host is not granted by allow a"},
    {ALLOW("a", ""), {.image = "plain", .network = "none"}, "", NULL},
    {ALLOW("a", "network = host\n"), {.image = "plain", .network = "none"}, NULL, "only host"},
    {ALLOW("a", "network = host none\n"), {.image = "plain", .network = "none"}, "", NULL},
    {ALLOW("a", "network = host none\n"), {.image = "plain", .network = "bridge"}, NULL,
        "network bridge"},
    {ALLOW("a", ""), {.image = "plain", .ipc_host = true}, NULL, "IPC is not granted"},
    {ALLOW("a", "share = ipc\n"), {.image = "plain", .ipc_host = true}, "", NULL},
    {ALLOW("a", ""), {.image = "plain", .envs = {"ANY"}}, "", NULL},
    {ALLOW("a", "env = SLURM_*\n"), {.image = "plain", .envs = {"SLURM_JOB"}}, "", NULL},
    {ALLOW("a", "env = SLURM_*\n"), {.image = "plain", .envs = {"ANY"}}, NULL,
        "variable ANY is not granted"},
    {ALLOW("a", "command = x\n"), {.image = "plain", .command = {"x"}, .envs = {"ANY"}}, NULL,
        "variable ANY"},
    {ALLOW("a", "command = x\n") "[grant g]\nusers = *\nenv = *\n",
        {.image = "plain", .command = {"x"}, .envs = {"LD_PRELOAD"}}, NULL, "variable LD_PRELOAD"},
    {ALLOW("a", "command = x\n") "[grant g]\nusers = *\nenv = A*\n",
        {.image = "plain", .command = {"x"}, .envs = {"ANY"}}, "", NULL},

    /* command and account */
    {ALLOW("a", "command = jupyter lab\n"), {.image = "plain", .command = {"jupyter", "lab"}}, "",
        NULL},
    {ALLOW("a", "command = jupyter lab\n"), {.image = "plain", .command = {"bash"}}, NULL,
        "permits other commands"},
    {ALLOW("a", "command = jupyter lab\n"), {.image = "plain"}, NULL, "permits other commands"},
    {ALLOW("a", "command = a\ncommand = b c\n  d\n"), {.image = "plain", .command = {"d"}}, "",
        NULL},
    {ALLOW("a", "") "[deny d]\ncommand = rm ...\n", {.image = "plain", .command = {"rm", "x"}},
        NULL, "deny d"},
    {ALLOW("a", "") "[deny d]\ncommand = rm ...\n", {.image = "plain", .command = {"ls", "x"}}, "",
        NULL},
    {ALLOW("a", ""), {.image = "plain", .run_as = "svc"}, NULL,
        "no rule lets you run this image as svc"},
    {ALLOW("a", "run_as = svc\n"), {.image = "plain"}, NULL, "permits this image as svc only"},
    {ALLOW("a", "run_as = svc\n"), {.image = "plain", .run_as = "svc"}, "", NULL},
    {ALLOW("a", "") "[deny d]\nrun_as = svc\n", {.image = "plain"}, "", NULL},
    {ALLOW("a", "run_as = svc\n") "[deny d]\nrun_as = svc\n", {.image = "plain", .run_as = "svc"},
        NULL, "deny d"},
    {ALLOW("a", ""), {.image = "plain", .run_as = "alice"}, "", NULL},

    /* the first allow that covers all of it */
    {ALLOW("a", "binds = /a\n") ALLOW("b", "binds = /b\n"),
        {.image = "plain", .binds = {BIND("/b", "/b", AS)}}, "/b>/b:ro", "allow b ("},
    {ALLOW("a", "binds = /a\n") ALLOW("b", "binds = /b\n"),
        {.image = "plain", .binds = {BIND("/a", "/a", AS), BIND("/b", "/b", AS)}}, NULL, "allow a"},
    {ALLOW("far", "") ALLOW("near", "binds = /a\nnetwork = host\n"),
        {.image = "plain",
            .network = "host",
            .binds = {BIND("/a", "/a", AS), BIND("/b", "/b", AS)}},
        NULL, "bind /b is not granted; allow near ("},
    /* never a control character */
    {ALLOW("a", "binds = /d\n"),
        {.image = "plain", .binds = {{"/x\x1b[31m\n", "/x\x1b[31m\n", "/y", AS}}}, NULL,
        "bind /x?[31m?"},
    {"# none\n", {.image_path = "/x\x1b]0;\a\x9b"}, NULL, "image /x?]0;??"},
};

static void
fill_place(struct policy_place *place, const char *path)
{
	if (place->path != NULL && place->path[0] == '\0')
		*place = (struct policy_place){.wanted = true, .owned = true};
	else if (place->path == NULL)
		*place = (struct policy_place){
		    .typed = path, .path = path, .wanted = true, .owned = true};
}

static const char **
fill_paths(const struct policy *policy, const struct ask *ask)
{
	size_t count, i;
	const char *const *paths = policy_paths(policy, &count);
	const char **opened = calloc(count + 1, sizeof(*opened));

	for (i = 0; i < count; i++)
		if (ask->missing != NULL && strcmp(paths[i], ask->missing) == 0)
			opened[i] = NULL;
		else if (ask->link[0] != NULL && strcmp(paths[i], ask->link[0]) == 0)
			opened[i] = ask->link[1];
		else
			opened[i] = paths[i];
	return opened;
}

/* Asks; the decision is the test's to free. */
static struct policy_decision *
decide(const struct policy *policy, const struct ask *ask)
{
	struct policy_decision *d = malloc(sizeof(*d));
	const struct policy_image *images;
	const char **paths = fill_paths(policy, ask);
	struct policy_question q = {.image_path = ask->image_path,
	    .binds = ask->binds,
	    .home = ask->home,
	    .cwd = ask->cwd,
	    .paths = paths,
	    .devices = ask->devices,
	    .network = ask->network,
	    .run_as = ask->run_as,
	    .ipc_host = ask->ipc_host,
	    .scratch = ask->scratch,
	    .scratch_size = ask->scratch_size,
	    .command = ask->command,
	    .envs = ask->envs};
	const struct policy_cdi also = {ask->also[0], ask->also[1]};
	size_t count, i;

	q.cdi = ask->cdi;
	q.brought = ask->brought;
	q.cdi_names = &also;
	q.cdi_name_count = ask->also[0] != NULL;
	while (q.cdi_count < 3 && ask->cdi[q.cdi_count] != NULL)
		q.cdi_count++;
	while (q.brought_count < 3 && ask->brought[q.brought_count] != NULL)
		q.brought_count++;
	memset(d, 0xa5, sizeof(*d));
	images = policy_images(policy, &count);
	for (i = 0; i < count && ask->image != NULL; i++)
		if (strcmp(images[i].name, ask->image) == 0)
			q.image = &images[i];
	while (q.bind_count < 4 && ask->binds[q.bind_count].typed != NULL)
		q.bind_count++;
	while (q.device_count < 3 && ask->devices[q.device_count] != NULL)
		q.device_count++;
	while (q.env_count < 3 && ask->envs[q.env_count] != NULL)
		q.env_count++;
	fill_place(&q.home, "/home/alice");
	fill_place(&q.cwd, "/home/alice/work");
	policy_decide(policy, &q, d);
	free(paths);
	return d;
}

static void
mounts_text(const struct policy_decision *d, char *text, size_t size)
{
	size_t i, at = 0;

	text[0] = '\0';
	for (i = 0; i < d->mount_count; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%s>%s:%s", i != 0 ? " " : "",
		    d->mounts[i].path, d->mounts[i].destination,
		    d->mounts[i].writable ? "rw" : "ro");
	if (d->scratch != 0)
		snprintf(text + at, size - at, "%sscratch:%lu", at != 0 ? " " : "", d->scratch);
}

static bool
printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

static size_t
check_row(size_t i)
{
	const struct row *row = &rows[i];
	char text[4096], mounts[1024];
	struct policy_decision *d;
	struct policy *policy;
	bool good;

	snprintf(text, sizeof(text), CATALOGUE "%s", row->policy);
	policy = test_load(text);
	if (policy == NULL) {
		print_error("row %zu: %s\n", i, test_error.text);
		return 1;
	}
	d = decide(policy, &row->ask);
	mounts_text(d, mounts, sizeof(mounts));
	if (row->mounts != NULL)
		good = d->verdict == POLICY_ALLOW && strcmp(mounts, row->mounts) == 0 &&
		       d->reason[0] == '\0' &&
		       (row->text == NULL || strstr(d->rule, row->text) != NULL);
	else
		good = d->verdict == POLICY_REFUSE && d->mount_count == 0 && d->reason[0] != '\0' &&
		       (row->text == NULL || strstr(d->reason, row->text) != NULL);
	good = good && printable(d->reason) && printable(d->rule);
	if (!good)
		print_error("row %zu: %x '%s' '%s' mounts '%s' for\n%s\n", i, d->verdict, d->rule,
		    d->reason, mounts, row->policy);
	free(d);
	policy_free(policy);
	return !good;
}

static void
table(void **state)
{
	size_t i, wrong = 0;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		wrong += check_row(i);
	assert_int_equal(wrong, 0);
}

/* Of each limit the strictest, whichever rule it stands in. */
static void
limits(void **state)
{
	struct policy *policy =
	    test_load(CATALOGUE ALLOW("a", "max_running = 20\nmax_launches = 60/min 100/day\n")
	            ALLOW("b", "binds = /x\nmax_running = 30\nmax_launches = 10/min\n"
	                       "    40/hour\n") ALLOW("c", "binds = /y\nmax_running = 2\n"));
	struct ask plain = {.image = "plain"};
	struct ask x = {.image = "plain", .binds = {BIND("/x", "/x", AS)}};
	struct policy_decision *d;

	(void)state;
	assert_non_null(policy);
	d = decide(policy, &plain);
	assert_int_equal(d->max_running, 20);
	assert_int_equal(d->max_launches[POLICY_MINUTE], 60);
	assert_int_equal(d->max_launches[POLICY_HOUR], 0);
	assert_int_equal(d->max_launches[POLICY_DAY], 100);
	free(d);
	d = decide(policy, &x);
	assert_int_equal(d->verdict, POLICY_ALLOW);
	assert_int_equal(d->max_running, 20);
	assert_int_equal(d->max_launches[POLICY_MINUTE], 10);
	assert_int_equal(d->max_launches[POLICY_HOUR], 40);
	assert_int_equal(d->max_launches[POLICY_DAY], 100);
	free(d);
	policy_free(policy);
}

/* Asking for more never gets rid of a password or a limit. */
static void
duties(void **state)
{
	static const char text[] =
	    CATALOGUE ALLOW("strict", "password = yes\nmax_runtime = 1h\nenv = A*\n")
	        ALLOW("lax", "binds = /x\nmax_runtime = 2h\n")
	            ALLOW("other", "command = z\npassword = yes\nmax_runtime = 1m\n")
	                ALLOW("last", "binds = /x /y\n");
	struct policy *policy = test_load(text);
	struct ask plain = {.image = "plain"};
	struct ask x = {.image = "plain", .binds = {BIND("/x", "/x", AS)}};
	struct ask y = {.image = "plain", .binds = {BIND("/y", "/y", AS)}};
	struct policy_decision *d;

	(void)state;
	assert_non_null(policy);
	d = decide(policy, &plain);
	assert_int_equal(d->verdict, POLICY_ALLOW);
	assert_true(d->password);
	assert_int_equal(d->max_runtime, 3600);
	assert_string_equal(d->env[0], "A*");
	assert_null(d->env[1]);
	free(d);
	d = decide(policy, &x);
	assert_non_null(strstr(d->rule, "allow lax"));
	assert_true(d->password);
	assert_int_equal(d->max_runtime, 3600);
	assert_string_equal(d->env[0], "A*");
	free(d);
	d = decide(policy, &y);
	assert_non_null(strstr(d->rule, "allow last"));
	assert_int_equal(
	    d->max_runtime, 3600); /* "other" did not match: its minute does not count */
	free(d);
	policy_free(policy);
	/* Of the rules passed over the first that narrows the environment has. */
	policy = test_load(CATALOGUE ALLOW("p", "") ALLOW("one", "env = A*\n")
	        ALLOW("two", "env = B*\n") ALLOW("last", "binds = /x\n"));
	d = decide(policy, &x);
	assert_non_null(strstr(d->rule, "allow last"));
	assert_non_null(d->env);
	assert_string_equal(d->env[0], "A*");
	assert_null(d->env[1]);
	free(d);
	policy_free(policy);
	/* A stricter rule behind the one that decides has no say. */
	policy =
	    test_load(CATALOGUE ALLOW("a", "") ALLOW("b", "password = yes\nmax_runtime = 1m\n"));
	d = decide(policy, &plain);
	assert_false(d->password);
	assert_int_equal(d->max_runtime, 0);
	assert_null(d->env);
	assert_string_equal(d->network, "none");
	free(d);
	policy_free(policy);
}

static void
network_and_env(void **state)
{
	struct policy *policy = test_load(
	    CATALOGUE ALLOW("a", "network = host none\ncommand = x\n") "[grant g]\nusers = *\n"
	                                                               "env = P* B?Z OMP_*\n");
	struct ask ask = {.image = "plain", .command = {"x"}};
	struct policy_decision *d;

	(void)state;
	assert_non_null(policy);
	d = decide(policy, &ask);
	assert_int_equal(d->verdict, POLICY_ALLOW);
	assert_string_equal(d->network, "host");
	/* The command is limited: P* would let PATH and PYTHONPATH in, B?Z cannot be told from BASH_ENV. */
	assert_string_equal(d->env[0], "OMP_*");
	assert_null(d->env[1]);
	free(d);
	policy_free(policy);
	policy = test_load(CATALOGUE ALLOW("a", "command = x\n"));
	d = decide(policy, &ask);
	assert_non_null(d->env);
	assert_null(d->env[0]);
	free(d);
	policy_free(policy);
}

static void
runnable(void **state)
{
	struct policy *policy =
	    test_load(CATALOGUE "[allow a]\nusers = alice\nimages = plain pytorch\n"
	                        "[allow b]\nusers = bob\nimages = *\n");
	char text[64];

	(void)state;
	assert_non_null(policy);
	policy_runnable(policy, text, sizeof(text));
	assert_string_equal(text, "pytorch, plain");
	policy_runnable(policy, text, 15);
	assert_string_equal(text, "pytorch, ...");
	policy_runnable(policy, text, 4);
	assert_string_equal(text, "...");
	policy_free(policy);
	/* "..." once, however many more there are. */
	policy = test_load(CATALOGUE ALLOW("a", ""));
	policy_runnable(policy, text, 20);
	assert_string_equal(text, "pytorch, ...");
	policy_free(policy);
}

/* More binds than there is room for: refused, not cut. */
static void
too_many(void **state)
{
	char *text = malloc(65536), *at = text;
	struct ask ask = {.image = "plain"};
	struct policy_decision *d;
	struct policy *policy;
	int i;

	(void)state;
	at += sprintf(at, "%s", CATALOGUE ALLOW("a", "always = /x\n"));
	for (i = 0; i < POLICY_BINDS_MAX; i++)
		at += sprintf(at, "  /a%d\n", i);
	policy = test_load(text);
	free(text);
	assert_non_null(policy);
	d = decide(policy, &ask);
	assert_int_equal(d->verdict, POLICY_REFUSE);
	assert_non_null(strstr(d->reason, "more binds"));
	free(d);
	policy_free(policy);
}

/* No single flipped bit, nor a few, turns one verdict into the other. */
static void
verdicts_apart(void **state)
{
	(void)state;
	assert_int_equal(__builtin_popcount(POLICY_ALLOW ^ POLICY_REFUSE), 32);
	assert_true(
	    __builtin_popcount(POLICY_ALLOW) >= 8 && __builtin_popcount(POLICY_REFUSE) >= 8);
}

/* One thing is said, also where two are missing; and a destination longer than any path is none. */
static void
one_reason(void **state)
{
	struct policy *policy = test_load(CATALOGUE ALLOW("a", "binds = /d\nnetwork = none\n"));
	struct ask two = {.image = "plain", .network = "host", .binds = {BIND("/x", "/x", AS)}};
	struct ask far = {.image = "plain", .binds = {BIND("/d", NULL, AS)}};
	char path[6000];
	struct policy_decision *d;

	(void)state;
	d = decide(policy, &two);
	assert_non_null(strstr(d->reason, "bind /x is not granted"));
	assert_null(strstr(d->reason, "network"));
	free(d);
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	far.binds[0].destination = path;
	d = decide(policy, &far);
	assert_int_equal(d->verdict, POLICY_REFUSE);
	assert_non_null(strstr(d->reason, "bind /d: its destination /xxx"));
	free(d);
	policy_free(policy);
}

/* --- denies by what a path is, whatever it is called -------------------------------------------- */

#define SPOTS(...)                                                                                 \
	{                                                                                          \
		(struct policy_spot[]){__VA_ARGS__},                                               \
		    sizeof((struct policy_spot[]){__VA_ARGS__}) / sizeof(struct policy_spot)       \
	}

/* Does the deny of /data refuse, when /data lies at denied and what is asked for at asked? */
static bool
spots_denied(const char *text, struct policy_spots denied, const struct policy_question *asked)
{
	static struct policy_decision decision;
	struct policy *policy = test_load(text);
	struct policy_question q = *asked;
	struct policy_spots spots[8] = {{NULL, 0}};
	const char *const *paths;
	size_t count, i;
	bool refused;

	if (policy == NULL)
		fail_msg("%s", test_error.text);
	paths = policy_paths(policy, &count);
	assert_true(count <= 8);
	for (i = 0; i < count; i++)
		if (strcmp(paths[i], "/data") == 0 || strcmp(paths[i], "/same") == 0)
			spots[i] = denied;
	q.paths = paths;
	q.path_spots = asked->path_spots != NULL ? spots : NULL;
	policy_decide(policy, &q, &decision);
	refused = decision.verdict != POLICY_ALLOW;
	if (refused && strstr(decision.reason, "deny d") == NULL)
		fail_msg("%s", decision.reason);
	policy_free(policy);
	return refused;
}

static void
spots(void **state)
{
	static const struct policy_spots none[1];
	static const char deny[] = ALLOW("a", "binds = /other\n") "[deny d]\nbinds = /data\n";
	const struct {
		struct policy_spots denied, asked;
		bool refused;
	} list[] = {
	    {SPOTS({5, "/x"}), SPOTS({5, "/x"}), true},
	    {SPOTS({5, "/x"}), SPOTS({5, "/x/y"}), true},
	    {SPOTS({5, "/x/y"}), SPOTS({5, "/x"}), true},
	    {SPOTS({5, "/x"}), SPOTS({6, "/x"}), false},
	    {SPOTS({5, "/x"}), SPOTS({5, "/x2"}), false},
	    {SPOTS({5, "/x"}), SPOTS({7, "/a"}, {5, "/x"}), true},
	    {SPOTS({7, "/b"}, {5, "/x"}), SPOTS({5, "/x"}, {8, "/"}), true},
	    {SPOTS({7, "/b"}, {5, "/x"}), SPOTS({7, "/a"}, {5, "/z"}), false},
	    {{NULL, 0}, SPOTS({5, "/x"}), false},
	    {SPOTS({5, "/x"}), {NULL, 0}, false},
	};
	struct policy_bind bind = {.typed = "/other", .path = "/other", .destination = "/o"};
	struct policy_question q = {
	    .image_path = "/srv/plain.sqfs", .binds = &bind, .bind_count = 1};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		bind.spots = list[i].asked;
		q.path_spots = none;
		if (spots_denied(deny, list[i].denied, &q) != list[i].refused)
			fail_msg("row %zu", i);
		q.path_spots = NULL; /* not known: then names alone count */
		assert_false(spots_denied(deny, list[i].denied, &q));
	}
}

/* Whatever brings it in: home, working directory, always, the image itself; and whatever names it in the deny. */
static void
spots_of_everything(void **state)
{
	static const struct policy_spots none[1];
	const struct policy_spots x = SPOTS({5, "/x"}), y = SPOTS({5, "/y"}), z = SPOTS({5, "/z"});
	struct policy_place home = {"/home/alice", "/home/alice", true, true, {NULL, 0}};
	struct policy_place cwd = {"/w", "/w", true, true, {NULL, 0}};
	struct policy_bind bind = {
	    .typed = "/other", .path = "/other", .destination = "/o", .spots = x};
	struct policy_question q = {.image_path = "/srv/plain.sqfs", .path_spots = none};
	const struct policy_image image = {.name = "plain", .path = "/srv/plain.sqfs"};

	(void)state;
	for (int same = 0; same < 2; same++) {
		q = (struct policy_question){
		    .image_path = "/srv/plain.sqfs", .path_spots = none, .home = home, .cwd = cwd};
		q.home.spots = same ? x : y;
		assert_int_equal(
		    spots_denied(ALLOW("a", "binds = ~\n") "[deny d]\nbinds = /data\n", x, &q),
		    same);
		q.home.spots = y;
		q.cwd.spots = same ? x : y;
		assert_int_equal(
		    spots_denied(ALLOW("a", "binds = .\n") "[deny d]\nbinds = /data\n", x, &q),
		    same);
		q.cwd.spots = y;
		q.image_spots = same ? x : y;
		assert_int_equal(
		    spots_denied(ALLOW("a", "") "[deny d]\nbinds = /data\n", x, &q), same);
		q.image = &image; /* what is in the catalogue is root's choice */
		assert_false(spots_denied(ALLOW("a", "") "[deny d]\nbinds = /data\n", x, &q));
		q.image = NULL;
		q.image_spots = z;
		/* /same lies where /data does, and is mounted unasked. */
		assert_int_equal(
		    spots_denied(same ? ALLOW("a", "always = /same\n") "[deny d]\nbinds = /data\n"
		                      : ALLOW("a", "always = /else\n") "[deny d]\nbinds = /data\n",
		        x, &q),
		    same);
		q.binds = &bind;
		q.bind_count = 1;
		q.home.spots = same ? x : y;
		assert_int_equal(
		    spots_denied(ALLOW("a", "binds = /other\n") "[deny d]\nbinds = ~\n", x, &q),
		    same);
		q.home.spots = y;
		q.cwd.spots = same ? x : y;
		assert_int_equal(
		    spots_denied(ALLOW("a", "binds = /other\n") "[deny d]\nbinds = .\n", x, &q),
		    same);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(spots),
	    cmocka_unit_test(spots_of_everything),
	    cmocka_unit_test(table),
	    cmocka_unit_test(duties),
	    cmocka_unit_test(limits),
	    cmocka_unit_test(network_and_env),
	    cmocka_unit_test(one_reason),
	    cmocka_unit_test(runnable),
	    cmocka_unit_test(too_many),
	    cmocka_unit_test(verdicts_apart),
	};

	return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
