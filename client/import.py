#!/usr/bin/python3 -I
"""boxdo import: an image file of one's own from a registry, an archive, a container store or a directory.

Runs as whoever typed it and never asks for more: nothing is unpacked on a disk, so that owners, set-uid bits, device
nodes and extended attributes come out as they were although nobody here could make them. skopeo fetches; the layers
are applied to a picture of the tree in memory, the way docker applies them to a disk; then what is left of them goes as
one tar stream into tar2sqfs (or, under fakeroot, into mkfs.erofs). Layers are kept below $XDG_CACHE_HOME/boxdo.

Trusts: skopeo for having checked every blob against its digest. Distrusts: names and links in the layers, which
lead nowhere but inside the picture, and the configuration, which is copied as text.
On error: one line, exit 1; 125 for wrong usage; 128+n when a signal ended it. What is unfinished has a name of its own
and goes with it; what a SIGKILL left the next import in the same directory sweeps up.
"""
import argparse
import fcntl
import gzip
import io
import json
import lzma
import bz2
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import tempfile
import time

USAGE, FAILED = 125, 1
WORDS_MAX, LAUNCH_MAX = 1024, 240 * 1024  # as broker/known.h has them
LINKS_MAX = 40  # symbolic links in one name, as the kernel
CACHE_DAYS = 30
TRANSPORTS = ("docker://", "docker-archive:", "oci:", "oci-archive:", "containers-storage:", "docker-daemon:")
EXAMPLES = """
SOURCE is one of
  docker://REGISTRY/NAME[:TAG|@DIGEST]      from a registry, as skopeo logs in there
  docker-archive:FILE[:REF], oci-archive:FILE, oci:DIRECTORY[:TAG]
  containers-storage:NAME                   what podman or buildah built
  docker-daemon:NAME:TAG
  DIRECTORY, FILE.tar[.gz|.xz|.zst|.bz2]    a root file system; an archive of docker's or OCI's is recognised
NAME is a name (./NAME.sqfs is written) or a path. To have it run: `boxdo run ./NAME.sqfs` where a rule has
user_images = yes; else an admin takes it over: `boxdo image add --from FILE`."""


class Failure(Exception):
    pass


def say(line):
    """Control characters of other people's file names do not reach the terminal."""
    text = "".join(c if c.isprintable() else "?" for c in line)
    sys.stderr.write("boxdo: " + text.encode("utf-8", "replace").decode() + "\n")
    sys.stderr.flush()


def size_text(number):
    for unit in ("B", "kB", "MB", "GB"):
        if number < 999.5 or unit == "GB":
            return f"{number:.1f} {unit}" if number < 9.95 and unit != "B" else f"{number:.0f} {unit}"
        number /= 1000


class Progress:
    """A bar with rate and time left on a terminal; elsewhere a line every ten seconds and one at the end."""

    def __init__(self, what, total):
        self.what, self.total, self.done = what, total, 0
        self.terminal = sys.stderr.isatty()
        self.started = self.shown = time.monotonic()

    def at(self, done):
        self.done = done
        now = time.monotonic()
        if now - self.shown < (0.2 if self.terminal else 10):
            return
        self.shown = now
        rate = done / (now - self.started)
        part = min(1, done / self.total) if self.total else 0
        left = (self.total - done) / rate if rate and self.total > done else 0
        bar = "#" * int(24 * part)
        text = f"{100 * part:3.0f}% of {size_text(self.total)}, {size_text(rate)}/s, {int(left) // 60}:{int(left) % 60:02d} left"
        sys.stderr.write(f"\r{self.what} [{bar:.<24}] {text}\033[K" if self.terminal else f"{self.what}: {text}\n")
        sys.stderr.flush()

    def end(self):
        took = time.monotonic() - self.started
        if self.terminal:
            sys.stderr.write("\r\033[K")
        else:
            sys.stderr.write(f"{self.what}: {size_text(self.done)} in {took:.0f} s\n")
        sys.stderr.flush()


# --- programs -----------------------------------------------------------------------------------------------------


def need(program, package):
    if not shutil.which(program):
        raise Failure(f"{program} is needed for this and not installed: ask an admin for the package {package}")


def guarded(argv):
    """Ends with us, even when we are killed."""
    return ["setpriv", "--pdeathsig", "KILL", "--"] + argv if shutil.which("setpriv") else argv


class Running:
    """Programs started and not yet ended; stopped when we are."""

    all = set()

    def __init__(self, argv, **how):
        self.name = argv[0]
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(guarded(argv), stderr=self.errors, **how)
        Running.all.add(self)

    def said(self):
        self.errors.seek(0)
        lines = [l for l in self.errors.read().decode("utf-8", "replace").splitlines() if l.strip()]
        text = lines[-1] if lines else ""
        found = re.search(r'msg="((?:[^"\\]|\\.)*)"', text)  # logrus, of skopeo
        return (found.group(1).replace('\\"', '"') if found else text)[:500]

    def wait(self):
        status = self.process.wait()
        Running.all.discard(self)
        if status != 0:
            raise Failure(f"{self.name} failed: {self.said() or 'status %d' % status}")

    def stop(self):
        self.process.kill()
        self.process.wait()
        Running.all.discard(self)


def sweep(directory):
    """What a killed import left: its lock is free."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if not entry.name.startswith(".boxdo-import.") or not entry.is_dir(follow_symlinks=False):
                continue
            try:
                fd = os.open(entry.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            except OSError:
                continue
            try:
                if os.fstat(fd).st_uid == os.getuid():
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    remove_tree(entry.path)
            except OSError:
                pass
            finally:
                os.close(fd)


def remove_tree(path):
    """A tree unpacked for EROFS may have directories nobody may enter."""
    for directory, below, _ in os.walk(path):
        for name in below:
            if not os.path.islink(os.path.join(directory, name)):
                os.chmod(os.path.join(directory, name), 0o700)
    shutil.rmtree(path, ignore_errors=True)


class Workplace:
    """A directory of our own, locked while we live, gone when we leave it, with what still runs stopped."""

    def __init__(self, directory):
        try:
            # There its owner puts other things in the place of ours, and root would write, chmod and remove those.
            st = os.stat(directory)
            if os.geteuid() == 0 and (st.st_uid != 0 or st.st_mode & 0o022 and not st.st_mode & stat.S_ISVTX):
                raise Failure(f"{directory} is not root's alone: import as its owner, or into another directory")
            sweep(directory)
            self.path = tempfile.mkdtemp(prefix=".boxdo-import.", dir=directory)
        except OSError as error:
            raise Failure(f"cannot write to {directory}: {error.strerror}") from None
        self.lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self.lock, fcntl.LOCK_EX)

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        for program in list(Running.all):
            program.stop()
        remove_tree(self.path)
        os.close(self.lock)


# --- the picture --------------------------------------------------------------------------------------------------


class Node:
    """What one inode will be. Hard links are several names of one Node."""

    __slots__ = ("member", "children", "origin", "names")

    def __init__(self, member, origin, children=None):
        self.member, self.origin, self.children, self.names = member, origin, children, []


def new_directory(name=""):
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, 0o755
    return Node(member, None, {})


class Picture:
    def __init__(self):
        self.root, self.newest, self.all = new_directory(), 0, []

    @staticmethod
    def parts(name):
        parts = [p for p in name.split("/") if p not in ("", ".")]
        if ".." in parts:
            raise Failure(f"the layer names something outside of itself: {name}")
        return parts

    def walk(self, parts, make, budget=None):
        """The directory node parts lead to, through symbolic links, never above the root; None: it is not there."""
        budget = budget if budget is not None else [LINKS_MAX]
        stack = [self.root]
        for i, part in enumerate(parts):
            if part == "..":
                if len(stack) > 1:
                    stack.pop()
                continue
            here = stack[-1]
            node = here.children.get(part)
            if node is not None and node.member.issym():
                budget[0] -= 1
                if budget[0] < 0:
                    return None
                target = node.member.linkname
                rest = [p for p in target.split("/") if p not in ("", ".")] + parts[i + 1:]
                if not target.startswith("/"):
                    rest = self.names(stack) + rest
                return self.walk(rest, make, budget)
            if node is None or node.children is None:
                if not make:
                    return None
                node = here.children[part] = new_directory(part)  # a file there gives way, as on a disk of docker's
            stack.append(node)
        return stack[-1]

    @staticmethod
    def names(stack):
        names = []
        for up, node in zip(stack, stack[1:]):
            names.append(next(n for n, c in up.children.items() if c is node))
        return names

    def hide(self, member):
        """A whiteout. True: it was one."""
        parts = self.parts(member.name)
        if not parts or not parts[-1].startswith(".wh."):
            return False
        directory = self.walk(parts[:-1], False)
        if directory is None:
            return True
        if parts[-1] == ".wh..wh..opq":
            directory.children.clear()
        elif not parts[-1].startswith(".wh..wh."):
            directory.children.pop(parts[-1][4:], None)
        return True

    def put(self, member, origin):
        parts = self.parts(member.name)
        self.newest = max(self.newest, int(member.mtime))
        if not parts:
            if member.isdir():
                self.root.member, self.root.origin = member, origin
            return
        directory = self.walk(parts[:-1], True)
        if directory is None:
            raise Failure(f"symbolic links lead in a circle at {member.name}")
        name, old = parts[-1], directory.children.get(parts[-1])
        if member.isdir():
            if old is not None and old.children is not None:
                old.member, old.origin = member, origin
            else:
                directory.children[name] = Node(member, origin, {})
        elif member.islnk():
            directory.children[name] = self.linked(member)
        elif member.isreg() or member.issym() or member.ischr() or member.isblk() or member.isfifo():
            directory.children[name] = Node(member, origin)
        else:
            raise Failure(f"{member.name} is of a kind (type {member.type!r}) that no image has")

    def linked(self, member):
        parts = self.parts(member.linkname)
        directory = self.walk(parts[:-1], False) if parts else None
        node = directory.children.get(parts[-1]) if directory is not None else None
        if node is None or node.children is not None:
            raise Failure(f"{member.name} is a hard link to {member.linkname}, which is not there")
        return node

    def put_file(self, name, text):
        member = tarfile.TarInfo(name)
        member.mode, member.size = 0o644, len(text)
        self.put(member, text)

    def drop(self, name):
        self.root.children.pop(name, None)

    def everything(self):
        """Into all: (name, node) of each inode; into node.names: each name. Directories before what is in them."""
        stack = [("", self.root)]
        while stack:
            name, node = stack.pop()
            first = not node.names
            node.names.append(name)
            if first:
                self.all.append((name, node))
            if node.children is not None:
                prefix = name + "/" if name else ""
                for child in sorted(node.children, reverse=True):
                    stack.append((prefix + child, node.children[child]))


# --- sources ------------------------------------------------------------------------------------------------------


class Counting(io.RawIOBase):
    """Counts what is read of a compressed file, for the bar."""

    def __init__(self, path, count):
        self.file, self.count = open(path, "rb", buffering=0), count

    def readable(self):
        return True

    def readinto(self, buffer):
        got = self.file.readinto(buffer)
        self.count(got)
        return got

    def close(self):
        self.file.close()
        super().close()


class Layer:
    """One tar stream, compressed or not, read from its start as often as needed."""

    def __init__(self, path):
        self.path, self.size = path, os.path.getsize(path)

    def members(self, count):
        raw = io.BufferedReader(Counting(self.path, count), 1 << 20)
        magic, unpack = raw.peek(6)[:6], None
        if magic[:2] == b"\x1f\x8b":
            stream = gzip.GzipFile(fileobj=raw)
        elif magic == b"\xfd7zXZ\0":
            stream = lzma.LZMAFile(raw)
        elif magic[:3] == b"BZh":
            stream = bz2.BZ2File(raw)
        elif magic[:4] == b"\x28\xb5\x2f\xfd":
            need("zstd", "zstd")
            raw.close()
            unpack = Running(["zstd", "-dcq", self.path], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
            stream = unpack.process.stdout
        else:
            stream = raw
        try:
            with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape", bufsize=1 << 20) as tar:
                for index, member in enumerate(tar):
                    yield index, member, lambda m=member: tar.extractfile(m)
                    tar.members.clear()
            if unpack:
                while stream.read(1 << 20):  # what stands behind the end of the archive
                    pass
                unpack.wait()
        except (tarfile.TarError, EOFError, lzma.LZMAError, OSError) as error:
            raise Failure(f"{self.path} is damaged: {error}") from None
        finally:
            if unpack and unpack in Running.all:
                unpack.stop()
            raw.close()


class Tree:
    """A directory. What belongs to the caller is root's in the image; what does not keeps its owner."""

    def __init__(self, path):
        self.path, self.size = path, 0

    def member(self, path, name, links):
        st = os.lstat(path)
        if stat.S_ISSOCK(st.st_mode):
            return None
        member = tarfile.TarInfo(name)
        member.mode, member.mtime = stat.S_IMODE(st.st_mode), st.st_mtime
        member.uid = 0 if st.st_uid == os.getuid() else st.st_uid
        member.gid = 0 if st.st_gid in [os.getgid(), *os.getgroups()] and st.st_uid == os.getuid() else st.st_gid
        key = (st.st_dev, st.st_ino)
        if stat.S_ISDIR(st.st_mode):
            member.type = tarfile.DIRTYPE
        elif st.st_nlink > 1 and key in links:
            member.type, member.linkname = tarfile.LNKTYPE, links[key]
            return member
        elif stat.S_ISLNK(st.st_mode):
            member.type, member.linkname = tarfile.SYMTYPE, os.readlink(path)
        elif stat.S_ISREG(st.st_mode):
            member.size = st.st_size
        elif stat.S_ISFIFO(st.st_mode):
            member.type = tarfile.FIFOTYPE
        else:
            member.type = tarfile.CHRTYPE if stat.S_ISCHR(st.st_mode) else tarfile.BLKTYPE
            member.devmajor, member.devminor = os.major(st.st_rdev), os.minor(st.st_rdev)
        links[key] = name
        for attribute in os.listxattr(path, follow_symlinks=False) if not stat.S_ISLNK(st.st_mode) else []:
            if attribute.startswith(("user.", "security.capability")):
                value = os.getxattr(path, attribute, follow_symlinks=False)
                member.pax_headers["SCHILY.xattr." + attribute] = value.decode("utf-8", "surrogateescape")
        return member

    def members(self, count):
        links, index, stack = {}, 0, [""]
        while stack:
            name = stack.pop()
            path = os.path.join(self.path, name) if name else self.path
            try:
                member = self.member(path, name, links)
                below = sorted(os.listdir(path)) if member is not None and member.isdir() else []
            except OSError as error:
                raise Failure(f"{path} cannot be read: {error.strerror}") from None
            if member is None:
                continue
            yield index, member, lambda p=path: self.open(p)
            index += 1
            count(member.size if member.isreg() else 0)
            stack.extend(os.path.join(name, child) for child in reversed(below))

    @staticmethod
    def open(path):
        try:
            return open(path, "rb")
        except OSError as error:
            raise Failure(f"{path} cannot be read: {error.strerror}") from None


class Source:
    """layers, bottom first; what is known about them."""

    def __init__(self, layers, reference, whiteouts=True):
        self.layers, self.reference, self.whiteouts = layers, reference, whiteouts
        self.config, self.digest = None, None


def cache_directory():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    path = os.path.join(base, "boxdo", "blobs")
    try:
        os.makedirs(os.path.join(path, "sha256"), mode=0o700, exist_ok=True)
    except OSError as error:
        raise Failure(f"the cache {path} cannot be made: {error.strerror} (XDG_CACHE_HOME says where)") from None
    return path


def cache_sweep(cache):
    """Layers nobody has used for a month go."""
    with os.scandir(os.path.join(cache, "sha256")) as entries:
        for entry in entries:
            try:
                if time.time() - entry.stat().st_mtime > CACHE_DAYS * 86400:
                    os.unlink(entry.path)
            except OSError:
                pass


def blob(cache, digest):
    algorithm, _, name = digest.partition(":")
    if algorithm != "sha256" or not re.fullmatch("[0-9a-f]{64}", name):
        raise Failure(f"the digest {digest} is none that is known here")
    path = os.path.join(cache, "sha256", name)
    try:
        os.utime(path)
    except OSError:
        raise Failure(f"the layer {digest} is not in the cache, although it was fetched: try again") from None
    return path


def bytes_below(*directories):
    total = 0
    for directory in directories:
        for path, _, files in os.walk(directory):
            for name in files:
                try:
                    total += os.lstat(os.path.join(path, name)).st_size
                except OSError:
                    pass
    return total


def total_to_fetch(reference, options, cache):
    """What the manifest says is not in the cache yet; 0: nobody knows. For the bar alone."""
    if not reference.startswith("docker://"):
        return 0
    ask = Running(["skopeo", "inspect", "--raw", *options, reference], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    text = ask.process.stdout.read(4 << 20)
    try:
        ask.wait()
        layers = json.loads(text).get("layers", [])
        return sum(l["size"] for l in layers if not os.path.exists(os.path.join(cache, "sha256", l["digest"][7:])))
    except (Failure, ValueError, KeyError, TypeError, AttributeError):
        return 0


def fetch(reference, cache, work, args):
    """By skopeo into an OCI layout of our own whose blobs are shared and stay."""
    layout = os.path.join(work, "layout")
    tls = [f"--tls-verify={'false' if args.no_tls_verify else 'true'}"] if reference.startswith("docker://") else []
    auth = ["--authfile", args.authfile] if args.authfile else []
    total = total_to_fetch(reference, tls + auth, cache)
    before = bytes_below(cache)
    progress = Progress("fetching", total)
    os.mkdir(layout)
    copy = Running(["skopeo", "--tmpdir", work, "copy", "--quiet", "--dest-shared-blob-dir", cache,
                    *[o.replace("--tls", "--src-tls") for o in tls], *[o.replace("--auth", "--src-auth") for o in auth],
                    reference, f"oci:{layout}:image"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while copy.process.poll() is None:
        time.sleep(0.1)
        progress.at(max(0, bytes_below(cache, work) - before))
    progress.done = max(progress.done, bytes_below(cache) - before)
    progress.end()
    copy.wait()
    return layout


def read_json(path):
    with open(path, "rb") as file:
        text = file.read(16 << 20)
    value = json.loads(text)
    if not isinstance(value, dict):
        raise Failure(f"{path} is not what it should be")
    return value


def oci_source(reference, args):
    need("skopeo", "skopeo")
    cache = cache_directory()
    cache_sweep(cache)
    # Beside the blobs, which are renamed into place.
    with Workplace(os.path.dirname(cache)) as work:
        return oci_read(reference, fetch(reference, cache, work, args), cache)


def oci_read(reference, layout, cache):
    try:
        digest = read_json(os.path.join(layout, "index.json"))["manifests"][0]["digest"]
        manifest = read_json(blob(cache, digest))
        source = Source([Layer(blob(cache, layer["digest"])) for layer in manifest["layers"]], reference)
        source.config, source.digest = read_json(blob(cache, manifest["config"]["digest"])), digest
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Failure(f"{reference} has a manifest that cannot be read: {error}") from None
    return source


def archive_kind(path):
    """docker's, OCI's, or a root file system? By what stands at the top of it."""
    names = set()
    for index, member, _ in Layer(path).members(lambda n: None):
        names.add(member.name.lstrip("./"))
        if "oci-layout" in names:
            return "oci-archive:"
        if index > 100000 or len(names) > 64 and not names & {"manifest.json"}:
            break
    return "docker-archive:" if "manifest.json" in names else ""


def open_source(args):
    source = args.source
    if source.startswith(TRANSPORTS):
        return oci_source(source, args)
    path = source[4:] if source.startswith("dir:") else source
    if os.path.isdir(path):
        if os.path.exists(os.path.join(path, "oci-layout")):
            return oci_source("oci:" + path, args)
        return Source([Tree(path)], "dir:" + os.path.abspath(path), whiteouts=False)
    if os.path.isfile(path):
        kind = archive_kind(path)
        if kind:
            return oci_source(kind + path, args)
        return Source([Layer(path)], "tar:" + os.path.abspath(path), whiteouts=False)
    raise Failure(f"{source} is neither a file, nor a directory, nor a source such as docker://HOST/NAME; "
                  "'boxdo import --help' lists them")


# --- configuration ------------------------------------------------------------------------------------------------


def words_of(config, key):
    value = config.get(key) or []
    value = value if isinstance(value, list) else [value]
    if not all(isinstance(word, str) and "\0" not in word for word in value) or len(value) > WORDS_MAX:
        raise Failure(f"the image's {key} is not a list of words")
    return value


def launch_words(source):
    """How it wants to be started, as broker/known.h has it; and what of it is not followed, said."""
    config = source.config.get("config") or {}
    words = ["entrypoint=" + w for w in words_of(config, "Entrypoint")]
    words += ["cmd=" + w for w in words_of(config, "Cmd")]
    words += ["env=" + w for w in words_of(config, "Env") if "=" in w]
    workdir = "".join(words_of(config, "WorkingDir"))
    clean = "/" + "/".join(Picture.parts(workdir)) if ".." not in workdir.split("/") else ""
    if workdir and clean != "/":
        if not clean or re.match("/(proc|sys|dev)(/|$)", clean) or len(clean) > 4000:
            say(f"the image's WorkingDir {workdir[:100]} is left out: nothing starts there")
        else:
            words.append("workdir=" + clean)
    user = "".join(words_of(config, "User"))
    if user:
        say(f"the image's User {user[:100]} is ignored: whoever starts it stays who they are")
        words.append("user=" + user)
    words.append(f"source={source.reference}@{source.digest}"[:4000])
    # For people, and so the first to go where it is too much.
    labels = config.get("Labels") if isinstance(config.get("Labels"), dict) else {}
    pairs = [f"label={k}={v}" for k, v in labels.items() if isinstance(v, str) and "\0" not in k + v]
    words += [word[:4000] for word in pairs[:WORDS_MAX]]
    while sum(len(w.encode("utf-8", "surrogateescape")) + 1 for w in words) > LAUNCH_MAX and words[-1].startswith("label="):
        words.pop()
    text = b"".join(w.encode("utf-8", "surrogateescape") + b"\0" for w in words)
    if len(text) > LAUNCH_MAX:
        raise Failure("the image's environment and command are longer than any program could be given")
    return text


def add_configuration(picture, source):
    if source.config is None:
        return
    about = {"source": source.reference, "digest": source.digest, "image": source.config}
    picture.drop(".boxdo")
    picture.put_file(".boxdo/config.json", (json.dumps(about, indent=1, sort_keys=True) + "\n").encode())
    picture.put_file(".boxdo/launch", launch_words(source))


# --- writing ------------------------------------------------------------------------------------------------------


def draw(source, progress):
    picture, done = Picture(), [0]

    def count(number):
        done[0] += number
        progress.at(done[0])

    for number, layer in enumerate(source.layers):
        members = list((index, member) for index, member, _ in layer.members(count))
        # Whiteouts are about the layers below alone, wherever they stand in this one.
        hidden = {index for index, member in members if source.whiteouts and picture.hide(member)}
        for index, member in members:
            if index not in hidden:
                picture.put(member, (number, index))
    return picture


def header(member, name):
    """One entry's header, with the names and numbers that any tar reader takes."""
    member.name = name
    for key in list(member.pax_headers):
        # The rest (times, sizes, sparse maps) was understood when it was read, and is written anew.
        if not key.startswith(("SCHILY.xattr.", "LIBARCHIVE.xattr.")):
            del member.pax_headers[key]
    member.uname = member.gname = ""
    member.mtime = int(member.mtime)
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def copy_content(reader, size, write):
    left = size
    while left:
        chunk = reader.read(min(left, 1 << 20))
        if not chunk:
            raise Failure("a file became shorter while it was read")
        write(chunk)
        left -= len(chunk)
    write(b"\0" * (-size % 512))


def write_links(node, write):
    for other in node.names[1:]:
        link = tarfile.TarInfo(other)
        link.type, link.linkname = tarfile.LNKTYPE, node.names[0]
        link.mode, link.uid, link.gid, link.mtime = node.member.mode, node.member.uid, node.member.gid, node.member.mtime
        write(header(link, other))


def write_tar(picture, source, write, progress):
    """Directories and all that has no contents, then the contents in the order in which they lie in the layers."""
    wanted, done = {}, [0]
    for name, node in picture.all:
        if node.member.isreg() and node.member.size and not isinstance(node.origin, bytes):
            wanted[node.origin] = node
            continue
        write(header(node.member, name or "./"))
        if isinstance(node.origin, bytes):
            copy_content(io.BytesIO(node.origin), len(node.origin), write)
        if node.children is None:
            write_links(node, write)

    def count(number):
        done[0] += number
        progress.at(done[0])

    for number, layer in enumerate(source.layers):
        if not any(origin[0] == number for origin in wanted):
            continue
        for index, member, reader in layer.members(count):
            node = wanted.pop((number, index), None)
            if node is None:
                continue
            if member.size != node.member.size or not member.isreg():
                raise Failure(f"{member.name} changed while it was read")
            size, contents = member.size, reader()
            write(header(node.member, node.names[0]))
            copy_content(contents, size, write)
            contents.close()
            write_links(node, write)
    if wanted:
        raise Failure("the source changed while it was read")
    write(b"\0" * 1024)


def writer_command(kind, out, work, picture):
    if kind == "squashfs":
        # Not mksquashfs -tar: the root directory would be the caller's.
        need("tar2sqfs", "squashfs-tools-ng")
        newest = max(0, min(picture.newest, 0xFFFFFFFF))
        return ["tar2sqfs", "--compressor", "zstd", "--comp-extra", "level=9", "--quiet", "--defaults", f"mtime={newest},mode=0755",
                out]
    # fakeroot cannot tell mkfs.erofs the values of extended attributes.
    if any(any('xattr' in key for key in node.member.pax_headers) for _, node in picture.all):
        say("extended attributes are left out of an EROFS image; use the default format where they matter")
    need("mkfs.erofs", "erofs-utils")
    need("fakeroot", "fakeroot")
    script = ('mkdir "$1" && tar -x -p --numeric-owner -f - -C "$1" && '
              # fakeroot remembers the modes; the files themselves must let themselves be read.
              'find "$1" -type f -exec env -u LD_PRELOAD chmod u+r {} + && mkfs.erofs -zlz4hc --quiet "$2" "$1" >&2')
    return ["fakeroot", "--", "sh", "-euc", script, "sh", os.path.join(work, "tree"), out]


def write_image(picture, source, kind, out, work):
    total = sum(layer.size for layer in source.layers)
    progress = Progress("packing", total)
    writer = Running(writer_command(kind, out, work, picture), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        with io.BufferedWriter(writer.process.stdin, 1 << 20) as stream:
            write_tar(picture, source, stream.write, progress)
    except BrokenPipeError:
        pass  # it has said why
    progress.end()
    writer.wait()


# --- the whole ----------------------------------------------------------------------------------------------------


def destination(args):
    ending = ".sqfs" if args.format == "squashfs" else ".erofs"
    name = args.name
    if not name:
        name = re.sub(r"@sha256:.*$", "", args.source.rstrip("/"))
        name = re.sub(r"\.(tar|tgz|tar\.\w+)$", "", name.rsplit("/", 1)[-1])
        if args.source.startswith(("docker-archive:", "oci:", "oci-archive:")):
            name = re.sub(r"\.tar(\.\w+)?(:|$)", r"\2", name)
        name = re.sub(r"[^A-Za-z0-9._+-]+", "-", name.split("archive:")[-1]).strip("-.")
        name = re.sub("-latest$", "", name)
    if not name or name.endswith("/"):
        raise Failure("give the image a name: boxdo import SOURCE NAME")
    return name if "/" in name or name.endswith((".sqfs", ".squashfs", ".erofs")) else name + ending


def run(args):
    final = destination(args)
    directory = os.path.dirname(final) or "."
    if os.path.lexists(final) and not args.force:
        raise Failure(f"{final} is there already: give another name, or --force")
    with Workplace(directory) as work:
        source = open_source(args)
        progress = Progress("reading", sum(layer.size for layer in source.layers))
        picture = draw(source, progress)
        progress.end()
        for layer in source.layers:
            layer.size = layer.size or progress.done
        add_configuration(picture, source)
        picture.everything()
        new = os.path.join(work, "image")
        write_image(picture, source, args.format, new, work)
        with open(new, "rb") as file:
            os.fsync(file.fileno())
        if args.force:
            os.replace(new, final)
        else:
            try:
                os.link(new, final)
            except FileExistsError:
                raise Failure(f"{final} is there already: give another name, or --force") from None
    print(f"{final}: {size_text(os.path.getsize(final))}, of {source.reference}"
          + (f"@{source.digest}" if source.digest else ""))


class Interrupted(BaseException):
    def __init__(self, number):
        super().__init__(number)
        self.number = number


def interrupt(number, _frame):
    # Once: what is being swept up is swept up.
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    raise Interrupted(number)


def arguments():
    class Parser(argparse.ArgumentParser):
        def error(self, message):
            say(f"{message}; 'boxdo import --help' says how")
            sys.exit(USAGE)

    parser = Parser(prog="boxdo import", epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
                    description="Makes an image file of your own. Needs no privilege.")
    parser.add_argument("source", metavar="SOURCE")
    parser.add_argument("name", metavar="NAME", nargs="?")
    parser.add_argument("--format", choices=("squashfs", "erofs"), default="squashfs")
    parser.add_argument("--force", action="store_true", help="replace what has that name")
    parser.add_argument("--authfile", metavar="FILE", help="credentials, as podman login writes them")
    parser.add_argument("--no-tls-verify", action="store_true", help="a registry without TLS, on this host say")
    return parser.parse_args()


def main():
    args = arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)
    os.umask(0o022)
    try:
        run(args)
    except Failure as failure:
        say(str(failure))
        return FAILED
    except OSError as error:
        say(f"{error.filename or 'writing'}: {error.strerror}")
        return FAILED
    except Interrupted as interrupted:
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K")
        say("interrupted: nothing was made; what was fetched so far stays in the cache")
        return 128 + interrupted.number
    return 0


if __name__ == "__main__":
    sys.exit(main())
