/*
 * Test helper: a FUSE file system that shows a directory as it is, writable, and that nobody but the
 * user who mounted it may enter (no allow_other), not even root: the stand-in for a home directory
 * on NFS with root squashed.
 *
 *	passthrough /SOURCE MOUNTPOINT [all]      runs in the foreground, as the user; all: everybody may enter
 *
 * SIGSTOP it and it is a file server that hangs. Single-threaded. Trusts its arguments.
 */
#define FUSE_USE_VERSION 31
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* libfuse hands over absolute paths; here they are taken below the source, the process's directory. */
static const char *
below(const char *path)
{
	return path[1] ? path + 1 : ".";
}

static int
result(long value)
{
	return value < 0 ? -errno : (int)value;
}

/* Only here: libfuse changes to / on its way to the main loop. */
static void *
fs_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
	const char *source = fuse_get_context()->private_data;

	(void)connection;
	(void)config;
	if (chdir(source) < 0) {
		perror(source);
		exit(1);
	}
	return NULL;
}

static int
fs_getattr(const char *path, struct stat *st, struct fuse_file_info *info)
{
	(void)info;
	return result(fstatat(AT_FDCWD, below(path), st, AT_SYMLINK_NOFOLLOW));
}

static int
fs_readlink(const char *path, char *buffer, size_t size)
{
	ssize_t length = readlink(below(path), buffer, size - 1);

	if (length < 0)
		return -errno;
	buffer[length] = '\0';
	return 0;
}

static int
fs_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset,
    struct fuse_file_info *info, enum fuse_readdir_flags flags)
{
	DIR *dir = opendir(below(path));
	struct dirent *entry;

	(void)offset;
	(void)info;
	(void)flags;
	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (fill(buffer, entry->d_name, NULL, 0, 0))
			break;
	closedir(dir);
	return 0;
}

static int
fs_mkdir(const char *path, mode_t mode)
{
	return result(mkdir(below(path), mode));
}

static int
fs_unlink(const char *path)
{
	return result(unlink(below(path)));
}

static int
fs_rmdir(const char *path)
{
	return result(rmdir(below(path)));
}

static int
fs_symlink(const char *target, const char *path)
{
	return result(symlink(target, below(path)));
}

static int
fs_rename(const char *from, const char *to, unsigned flags)
{
	return result(renameat2(AT_FDCWD, below(from), AT_FDCWD, below(to), flags));
}

static int
fs_chmod(const char *path, mode_t mode, struct fuse_file_info *info)
{
	(void)info;
	return result(chmod(below(path), mode));
}

static int
fs_truncate(const char *path, off_t size, struct fuse_file_info *info)
{
	(void)info;
	return result(truncate(below(path), size));
}

static int
fs_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *info)
{
	(void)info;
	return result(utimensat(AT_FDCWD, below(path), times, AT_SYMLINK_NOFOLLOW));
}

static int
fs_open(const char *path, struct fuse_file_info *info)
{
	int fd = open(below(path), info->flags | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	info->fh = (uint64_t)fd;
	return 0;
}

static int
fs_create(const char *path, mode_t mode, struct fuse_file_info *info)
{
	int fd = open(below(path), info->flags | O_CREAT | O_CLOEXEC, mode);

	if (fd < 0)
		return -errno;
	info->fh = (uint64_t)fd;
	return 0;
}

static int
fs_read(const char *path, char *buffer, size_t size, off_t offset, struct fuse_file_info *info)
{
	(void)path;
	return result(pread((int)info->fh, buffer, size, offset));
}

static int
fs_write(
    const char *path, const char *buffer, size_t size, off_t offset, struct fuse_file_info *info)
{
	(void)path;
	return result(pwrite((int)info->fh, buffer, size, offset));
}

static int
fs_statfs(const char *path, struct statvfs *st)
{
	return result(statvfs(below(path), st));
}

static int
fs_release(const char *path, struct fuse_file_info *info)
{
	(void)path;
	return result(close((int)info->fh));
}

static const struct fuse_operations operations = {
    .init = fs_init,
    .getattr = fs_getattr,
    .readlink = fs_readlink,
    .readdir = fs_readdir,
    .mkdir = fs_mkdir,
    .unlink = fs_unlink,
    .rmdir = fs_rmdir,
    .symlink = fs_symlink,
    .rename = fs_rename,
    .chmod = fs_chmod,
    .truncate = fs_truncate,
    .utimens = fs_utimens,
    .open = fs_open,
    .create = fs_create,
    .read = fs_read,
    .write = fs_write,
    .statfs = fs_statfs,
    .release = fs_release,
};

int
main(int argc, char **argv)
{
	char name[] = "passthrough", foreground[] = "-f", single[] = "-s", all[] = "-oallow_other";
	char *fuse_argv[] = {name, foreground, single, NULL, NULL, NULL};

	if (argc < 3 || argc > 4 || argv[1][0] != '/' || (argc == 4 && strcmp(argv[3], "all"))) {
		fprintf(stderr, "usage: passthrough /SOURCE MOUNTPOINT [all]\n");
		return 1;
	}
	fuse_argv[3] = argv[2];
	fuse_argv[4] = argc == 4 ? all : NULL;
	return fuse_main(argc + 1, fuse_argv, &operations, argv[1]);
}
