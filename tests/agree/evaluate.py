"""A second reading of the policy: what boxdo-policy(5) says, in Python, for tests alone.

It shares nothing with policy/ and is not clever: it keeps every rule and asks of each whether it matches.
Policies are taken to be well formed; what is an error is the first reader's business.
"""
import datetime
import re
import zoneinfo

DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
# "never /, /etc, /usr, ... or anything below them"
SYSTEM = ["/etc", "/usr", "/bin", "/sbin", "/dev", "/proc", "/sys", "/run", "/boot", "/root"]
# "never LD_*, PYTHON*, PERL*, BASH_ENV, PATH and their like"
UNSAFE = ["LD_*", "PYTHON*", "PERL*", "BASH_*", "PATH"]


class LookUpFailed(Exception):
    pass


# --- reading -------------------------------------------------------------------------------------------------

def split(value):
    """Words at blanks; quotes hold together. -> [(text, was quoted)]"""
    out, i = [], 0
    while i < len(value):
        if value[i] in " \t":
            i += 1
            continue
        text, quoted, inside = "", False, False
        while i < len(value) and (inside or value[i] not in " \t"):
            if value[i] == '"':
                inside, quoted = not inside, True
            else:
                text += value[i]
            i += 1
        out.append((text, quoted))
    return out


class Rule:
    def __init__(self, kind, name):
        self.kind, self.name, self.keys, self.commands = kind, name, {}, []

    def words(self, key):
        return [text for text, _ in self.keys.get(key, [])]

    def one(self, key):
        words = self.words(key)
        return words[0] if words else None


def read(files):
    """-> rules, in reading order, the catalogue's among them"""
    rules, key = [], None
    for _, text in files:
        for line in text.split("\n"):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            if line[0] == "[":
                kind, _, name = line.strip()[1:-1].partition(" ")
                rules.append(Rule(kind, name))
                continue
            if line[0] in " \t":
                value = line
            else:
                key, _, value = line.partition("=")
                key = key.strip()
            if key == "command":
                rules[-1].commands.append(split(value))
            else:
                rules[-1].keys.setdefault(key, []).extend(split(value))
    return rules


# --- patterns ------------------------------------------------------------------------------------------------

def pattern(text, stop="", fold=False):
    """'*' any run, '?' any byte, [..] one of a set; none of them crosses `stop`."""
    out, i = "", 0
    any_byte = "[^" + re.escape(stop) + "]" if stop else "[\\x00-\\xff]"
    while i < len(text):
        c = text[i]
        if c == "*":
            out += any_byte + "*"
        elif c == "?":
            out += any_byte
        elif c == "[":
            j = i + 1
            negated = text[j] == "!"
            if negated:
                j += 1
            end = text.index("]", j + 1)
            members, inner = "", text[j:end]
            k = 0
            while k < len(inner):
                if k + 2 < len(inner) and inner[k + 1] == "-":
                    members += re.escape(inner[k]) + "-" + re.escape(inner[k + 2])
                    k += 3
                else:
                    members += re.escape(inner[k])
                    k += 1
            if stop:
                out += "(?!" + re.escape(stop) + ")"
            out += "[" + ("^" if negated else "") + members + "]"
            i = end
        else:
            out += re.escape(c)
        i += 1
    return re.compile(out, re.S | (re.I if fold else 0))


def glob(text, value, stop="", fold=False):
    return pattern(text, stop, fold).fullmatch(value) is not None


def plain(path):
    return path == "/" or (path[:1] == "/" and not {"", ".", ".."} & set(path[1:].split("/")))


def glob_path(text, path):
    if text == "*":
        return True
    if path[:1] == "/" and not plain(path):
        return False
    if text[:1] == "/" and text[-1:] == "/":  # everything below
        parts, mine = path.split("/"), text.rstrip("/").split("/")
        return len(parts) > len(mine) and glob("/".join(mine), "/".join(parts[:len(mine)]), "/")
    return glob(text, path, "/")


def parts(path):
    return [part for part in path.split("/") if part not in ("", ".")]


def below(parent, path):
    """The parts of path behind parent, or None."""
    mine, theirs = parts(parent), parts(path)
    return theirs[len(mine):] if theirs[:len(mine)] == mine else None


def touches(a, b):
    return below(a, b) is not None or below(b, a) is not None


def glob_touches(text, path):
    """Could something at, below or above path be meant by the pattern?"""
    if text == "*":
        return True
    return all(glob(mine, theirs, "/") for mine, theirs in zip(parts(text), parts(path)))


# --- references ----------------------------------------------------------------------------------------------

def write_out(typed):
    """docker.io, library/ and latest, where they were left away; a host has a dot, a port, or is localhost."""
    first, slash, _ = typed.partition("/")
    if not (slash and ("." in first or ":" in first or first == "localhost")):
        typed = "docker.io/" + ("" if slash else "library/") + typed
    last = typed.rpartition("/")[2]
    return typed if ":" in last or "@" in last else typed + ":latest"


# --- who, where, when ----------------------------------------------------------------------------------------

class World:
    """who: uid gid groups name host now. nss: groups {name: gid or None (fails)}, members [gid],
    netgroups {name: True, False or None}. zone: the system's."""

    def __init__(self, who, nss, zone):
        self.who, self.nss, self.zone = who, nss, zone

    def in_group(self, name, in_deny):
        if name not in self.nss["groups"]:
            return False
        gid = self.nss["groups"][name]
        if gid is None:
            raise LookUpFailed(name)
        return gid == self.who["gid"] or gid in self.who["groups"] or (in_deny and gid in self.nss["members"])

    def in_netgroup(self, name):
        yes = self.nss["netgroups"].get(name, False)
        if yes is None:
            raise LookUpFailed(name)
        return yes

    def users(self, rule):
        """One entry must match and none with '!'. What needs no directory is looked at first."""
        entries = [(w.startswith("!"), w.lstrip("!")) for w in rule.words("users")]
        deny = rule.kind == "deny"

        def plainly(entry):
            return entry == "*" or entry == self.who["name"] or entry == "#%d" % self.who["uid"]

        def asked(entry, negated):
            if entry[0] == "%":
                return self.in_group(entry[1:], deny and not negated)
            return entry[0] == "+" and self.in_netgroup(entry[1:])

        if any(n and plainly(e) for n, e in entries):
            return False
        if not any(not n and plainly(e) for n, e in entries) and not any(asked(e, n) for n, e in entries if not n):
            return False
        return not any(asked(e, n) for n, e in entries if n)

    def here(self, rule):
        names = [self.who["host"], self.who["host"].split(".")[0]]
        return any(glob(p, name, fold=True) for p in rule.words("hosts") for name in names)

    def now(self, rule):
        zone = rule.one("timezone") or self.zone
        local = datetime.datetime.fromtimestamp(self.who["now"], zoneinfo.ZoneInfo(zone))
        minute, today = 60 * local.hour + local.minute, local.weekday()
        stamp = local.strftime("%Y-%m-%d %H:%M")
        first, last = " ".join(rule.words("not_before")), " ".join(rule.words("not_after"))
        if first and stamp < (first if len(first) > 10 else first + " 00:00"):
            return False
        if last and stamp > (last if len(last) > 10 else last + " 23:59"):
            return False
        if "hours" not in rule.keys:
            return True
        spans, days, timed = [], set(), False
        for word in rule.words("hours"):
            if word[:3] in DAYS:
                if timed:
                    days, timed = set(), False
                at, end = DAYS.index(word[:3]), DAYS.index(word[-3:])
                days.add(at)
                while at != end:
                    at = (at + 1) % 7
                    days.add(at)
            else:
                begin, end = [60 * int(t[:2]) + int(t[3:]) for t in word.split("-")]
                spans.append((days or set(range(7)), begin, end))
                timed = True
        if not timed:
            spans.append((days, 0, 1440))
        for days, begin, end in spans:
            if begin < end:
                if today in days and begin <= minute < end:
                    return True
            elif (today in days and minute >= begin) or ((today - 1) % 7 in days and minute < end):
                return True
        return False

    def end(self, rule):
        """The first second after which not_after is over, for good; 0: never."""
        last = " ".join(rule.words("not_after"))
        if not last:
            return 0
        last = last if len(last) > 10 else last + " 23:59"
        zone = zoneinfo.ZoneInfo(rule.one("timezone") or self.zone)
        at = int(datetime.datetime.strptime(last + " +0000", "%Y-%m-%d %H:%M %z").timestamp()) + 26 * 3600
        while datetime.datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M") > last:
            at -= 60
        return at + 60

    def about(self, rule):
        return (("hosts" not in rule.keys or self.here(rule)) and self.now(rule)
                and ("users" not in rule.keys or self.users(rule)))


# --- the question --------------------------------------------------------------------------------------------

class Evaluation:
    """q: image (as typed), image_path, sha256 (remembered of the file), own (the file is the caller's), cdi (names of
    devices), host_cdi {name: [own nodes]}, brought (what those names bring along), binds
    [(path, dest, mode)], home and cwd (typed, path, wanted, owned), opened {written: path or None}, devices, envs,
    network, ipc, scratch (0 no, 1 if granted, 2 yes; bytes or 0), run_as, command."""

    def __init__(self, rules, world, q):
        self.world, self.q = world, q
        self.catalogue = [r for r in rules if r.kind == "image"]
        self.entry = next((r for r in self.catalogue if r.name == q["image"]), None)
        if self.entry is None and q["image"] is not None:
            self.entry = next((r for r in self.catalogue for ref in r.words("ref")
                               if glob(write_out(ref), write_out(q["image"]), "/")), None)
        self.rules = [r for r in rules if r.kind in ("deny", "allow", "grant") and world.about(r)]

    # matching

    def image_of(self, word, entry):
        if word.startswith("sha256:"):
            return word[7:].lower() == (entry.one("sha256") or "").lower()
        return glob_path(word, entry.name)

    def images(self, rule):
        # "by no other rule is an image of one's own permitted"
        if rule.kind == "allow" and self.q["own"]:
            return rule.one("user_images") == "yes"
        if "images" not in rule.keys:
            return rule.kind != "allow"
        path = self.q["image_path"] or (self.entry.one("path") if self.entry else None)
        for word in rule.words("images"):
            if word == "*":
                return True
            if word[0] == "/":
                paths = [path]
                if rule.kind == "deny" and self.entry:
                    paths.append(self.entry.one("path"))
                if any(glob_path(word, p) for p in paths):
                    return True
                continue
            if word.startswith("sha256:") and word[7:].lower() == self.q["sha256"]:
                return True
            names = [self.entry] if self.entry else []
            if rule.kind == "deny":  # every name that the catalogue has for the file
                same = {path, self.entry.one("path") if self.entry else None}
                names += [e for e in self.catalogue if e.one("path") in same]
            if any(self.image_of(word, e) for e in names):
                return True
        return False

    def command(self, rule):
        if not rule.commands:
            return True
        given = self.q["command"]
        for vector in rule.commands:
            more = vector[-1] == ("...", False)
            words = [text for text, _ in (vector[:-1] if more else vector)]
            if len(given) < len(words) or (len(given) > len(words) and not more):
                continue
            if all(glob_path(w, a) if w[0] == "/" else glob(w, a) for w, a in zip(words, given)):
                return True
        return False

    def run_as(self):
        return None if self.q["run_as"] == self.world.who["name"] else self.q["run_as"]

    # what an allow and its grants give

    def in_force(self, allow):
        if allow.one("grants") == "no":
            return [allow]
        return [allow] + [r for r in self.rules if r.kind == "grant" and self.images(r)]

    def strict(self, allow):
        return bool(allow.commands) or "run_as" in allow.keys

    def entries(self, rule):
        """-> (source as written, destination or None, writable, always)"""
        out = []
        for key in ("binds", "always"):
            for word in rule.words(key):
                source, *rest = word.split(":")
                writable = bool(rest) and rest[-1] == "rw"
                if writable:
                    rest = rest[:-1]
                out.append((source, rest[0] if rest else None, writable, key == "always"))
        return out

    def source(self, written):
        if written == "~":
            typed, path, _, owned = self.q["home"]
            return path if owned and path and path != "/" else None
        if written == ".":
            path = self.q["cwd"][1]
            return path if path and not self.system(path) else None
        return self.q["opened"].get(written.rstrip("/") or "/", written)

    @staticmethod
    def system(path):
        return path == "/" or path.startswith("/lib") or any(below(d, path) is not None for d in SYSTEM)

    def typed(self, written):
        return {"~": self.q["home"][0], ".": self.q["cwd"][0]}.get(written, written)

    def cover(self, allow, path, destination):
        """0 not, 1 to read, 2 to write"""
        best = 0
        for rule in self.in_force(allow):
            for written, named, writable, _ in self.entries(rule):
                source = self.source(written)
                rest = below(source, path) if source else None
                if rest is None:
                    continue
                own = [path, self.typed(written) + "/" + "/".join(rest) if self.typed(written) else path]
                may = own + [named + "/" + "/".join(rest)] if named else own
                if (named or self.strict(allow)) and parts(destination) not in [parts(m) for m in may]:
                    continue
                best = max(best, 2 if writable else 1)
        return best

    def missing(self, allow):
        q = self.q
        force = self.in_force(allow)
        for path, destination, mode in q["binds"]:
            if self.cover(allow, path, destination) < (2 if mode == "rw" else 1):
                return True
        for device in q["devices"]:
            if not any(glob_path(w, device) for r in force for w in r.words("devices")):
                return True
        for name in q["cdi"]:  # the path of a node does not grant the name
            if not any(w[0] != "/" and glob(w, name) for r in force for w in r.words("devices")):
                return True
        if "env" in allow.keys or self.strict(allow):
            for name in q["envs"]:
                if self.strict(allow) and any(glob(u, name) for u in UNSAFE):
                    return True
                if not any(glob(w, name) for r in force for w in r.words("env")):
                    return True
        if q["ipc"] and not any("ipc" in r.words("share") for r in force):
            return True
        wanted, least = q["scratch"]
        if wanted == 2 and self.scratch(allow) < max(least, 1):
            return True
        return q["network"] is not None and q["network"] not in (allow.words("network") or ["none"])

    def scratch(self, allow):
        return max(size(r.one("scratch") or "0") for r in self.in_force(allow))

    def network(self, allow):
        return self.q["network"] or (allow.words("network") or ["none"])[0]

    def mounts(self, allow):
        """-> [(path, destination, writable)], or None: refused"""
        out = []

        def at(destination):
            return next((m for m in out if parts(m[1]) == parts(destination)), None)

        for path, destination, mode in self.q["binds"]:
            if not plain(destination.rstrip("/") or "/") or not parts(destination) or at(destination):
                return None
            out.append([path, destination, self.cover(allow, path, destination) == 2 and mode != "ro"])
        asked, by_rule = len(out), {}
        for rule in self.in_force(allow):
            for written, named, writable, always in self.entries(rule):
                if not always:
                    continue
                path, destination = self.source(written), named or written
                if path is None:
                    return None
                there = at(destination)
                if there is None:
                    out.append([path, destination, writable])
                    by_rule[destination.rstrip("/")] = written.rstrip("/")
                elif by_rule.get(there[1].rstrip("/")) == written.rstrip("/") and there not in out[:asked]:
                    there[2] = there[2] or writable
        for name in ("home", "cwd"):
            typed, path, wanted, _ = self.q[name]
            if not wanted or not path or path == "/" or not typed or not parts(typed) or not plain(typed.rstrip("/")):
                continue
            if name == "cwd" and (self.system(path) or self.system(typed)):
                continue
            cover = self.cover(allow, path, typed)
            over = [m for m in out if below(m[1], typed) is not None]
            deepest = max(over, key=lambda m: len(parts(m[1])), default=None)
            # what was asked for is not covered up by what was not
            if not cover or at(typed) or (deepest in out[:asked] and deepest is not None):
                continue
            out.append([path, typed, cover == 2])
        return out

    # denies

    def device_touches(self, word, seen):
        """A name catches the device's own nodes too; a path, and '*', what lies there."""
        if word[0] != "/" and any(glob(word, name) for name in self.q["cdi"]):
            return True
        if word[0] == "/" or word == "*":
            return any(glob_touches(word, path) for path in seen)
        nodes = [n for name, own in self.q["host_cdi"].items() if glob(word, name) for n in own]
        return any(touches(n, path) for n in nodes for path in seen)

    def deny_touches(self, rule, network, mounts):
        q = self.q
        if "network" in rule.keys and network not in rule.words("network"):
            return False
        if "devices" in rule.keys:
            seen = q["devices"] + [p for p in [m[0] for m in mounts] + q["brought"] if touches("/dev", p)]
            if not any(self.device_touches(w, seen) for w in rule.words("devices")):
                return False
        if "binds" in rule.keys:
            got = [m[0] for m in mounts] + q["devices"] + q["brought"]
            if self.entry is None:
                got.append(q["image_path"])
            meant = []
            for written, _, _, _ in self.entries(rule):
                if written in ("~", "."):
                    meant += list(q["home" if written == "~" else "cwd"][:2])
                else:
                    meant += [written, self.q["opened"].get(written.rstrip("/") or "/", written)]
            if not any(touches(m, g) for m in meant if m for g in got):
                return False
        return True

    def matches(self, rule):
        if not self.images(rule) or not self.command(rule):
            return False
        target = rule.one("run_as")
        if rule.kind == "deny":
            return target is None or target == self.run_as()
        return target == self.run_as()

    def decide(self):
        if self.entry is None and self.q["image"] is not None:
            return {"verdict": "refuse"}
        passed, decides = [], None
        for rule in self.rules:
            if rule.kind != "allow" or not self.matches(rule):
                continue
            passed.append(rule)
            if not self.missing(rule):
                decides = rule
                break
        if decides is None:
            return {"verdict": "refuse"}
        network, mounts = self.network(decides), self.mounts(decides)
        if mounts is None:
            return {"verdict": "refuse"}
        for rule in self.rules:
            if rule.kind == "deny" and self.matches(rule) and self.deny_touches(rule, network, mounts):
                return {"verdict": "refuse", "by": "deny"}
        # "nothing enforces them yet, so a launch for which they would be in force is refused"
        if any(key in r.keys for r in passed for key in ("memory", "cpus", "pids")):
            return {"verdict": "refuse"}
        wanted, asked = self.q["scratch"]
        # what the rule that decides and its grants give, but no more than any that was passed over
        scratch = min([self.scratch(decides)] + [size(r.one("scratch")) for r in passed[:-1] if "scratch" in r.keys])
        if wanted and asked > scratch:
            return {"verdict": "refuse"}
        scratch = (asked or scratch) if wanted else 0
        runtime = [seconds(r.one("max_runtime")) for r in passed if "max_runtime" in r.keys]
        running = [int(r.one("max_running")) for r in passed if "max_running" in r.keys]
        launches = [w.split("/") for r in passed for w in r.words("max_launches")]
        env = None
        if "env" in decides.keys or self.strict(decides):
            env = [w for r in self.in_force(decides) for w in r.words("env")]
            if self.strict(decides):
                env = [w for w in env if not any(alike(u, w) for u in UNSAFE)]
        else:
            env = next((r.words("env") for r in passed if "env" in r.keys), None)
        return {"verdict": "allow", "rule": decides.name, "network": network, "mounts": mounts,
                "password": any(r.one("password") == "yes" for r in passed),
                "max_runtime": min(runtime, default=0), "max_running": min(running, default=0),
                "not_after": self.world.end(decides), "own": self.q["own"] and decides.one("user_images") == "yes",
                **{unit: min([int(n) for n, u in launches if u == unit], default=0) for unit in ("min", "hour", "day")},
                "strict": self.strict(decides), "env": env,
                "scratch": scratch}


def alike(a, b):
    """Do two patterns begin alike, as far as both say what they begin with?"""
    a_head, b_head = re.split(r"[*?[]", a)[0], re.split(r"[*?[]", b)[0]
    if a_head == a or b_head == b:  # one of them is a name
        return glob(a, b) if b_head == b else glob(b, a)
    return a_head.startswith(b_head) or b_head.startswith(a_head)


def seconds(text):
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[text[-1]]


def size(text):
    return int(text) if text.isdigit() else int(text[:-1]) << {"K": 10, "M": 20, "G": 30}[text[-1]]


def decide(rules, world, q):
    try:
        return Evaluation(rules, world, q).decide()
    except LookUpFailed:
        return {"verdict": "error"}


def seen_at(mounts, path):
    """What a container with these mounts finds at path: (path outside, writable), or None."""
    best, found = -1, None
    for outside, inside, writable in mounts:
        rest = below(inside, path)
        if rest is not None and len(parts(inside)) > best:
            best, found = len(parts(inside)), (tuple(parts(outside) + rest), writable)
    return found
