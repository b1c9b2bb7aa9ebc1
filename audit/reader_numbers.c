/*
 * The numbers of all records, read past libsystemd: it looks up each of a record's forty fields with some care, and a
 * million records take it ten to twenty seconds. Here every file is mapped and its list of records walked once.
 *
 * Stage:     none; part of `boxdo log`. Privilege: the auditor's.
 * Trusts:    reader_entry.c's word on what is ours.
 * Distrusts: the files: every offset and size is checked against what is mapped, lists only lead forward. Whatever
 *            is not as it should be is left to libsystemd (which sometimes gives a damaged file up where this still
 *            finds its records). A file cut short while it is read ends the program, as it does in libsystemd.
 * On error:  negative errno.
 */
#include "audit/reader_inside.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Of systemd's JOURNAL_FILE_FORMAT, what is needed here. */
enum {
	FILE_COMPRESSED = 1 | 2 | 8, /* xz, lz4, zstd: of single objects */
	FILE_KEYED_HASH = 4,
	FILE_COMPACT = 16,
	OBJECT_DATA = 1,
	OBJECT_ENTRY = 3,
	OBJECT_ENTRY_ARRAY = 6,
};

#define NUMBERS_ENTRY 64 /* where an entry's items begin */
#define NUMBERS_ARRAY 24 /* an array's */
/* No field of a record that is needed here is as long, and none is compressed but to make it shorter. */
#define NUMBERS_SHORT 256

struct numbers_file {
	const uint8_t *map;
	uint64_t size;
	size_t payload, item,
	    slot; /* where a field's bytes begin; bytes an item of an entry, of an array takes */
};

/* Bytes in a mapped file. */
struct numbers_text {
	const char *text;
	size_t length;
};

struct numbers_record {
	struct reader_entry_origin origin;
	struct numbers_text seq, record, host, machine, boot;
	bool hidden; /* a field that is compressed could be one of these */
};

static uint64_t
numbers_word(const uint8_t *at, size_t size)
{
	uint64_t word = 0;
	uint32_t half;

	if (size == sizeof half) {
		memcpy(&half, at, sizeof half);
		return le32toh(half);
	}
	memcpy(&word, at, sizeof word);
	return le64toh(word);
}

/* The object at offset, if it is of that type, whole and at least so long; *size is set. */
static const uint8_t *
numbers_object(
    const struct numbers_file *file, uint64_t offset, int type, uint64_t least, uint64_t *size)
{
	const uint8_t *object;

	if (offset % 8 != 0 || offset > file->size || file->size - offset < least)
		return NULL;
	object = file->map + offset;
	if (object[0] != type)
		return NULL;
	*size = numbers_word(object + 8, 8);
	return *size >= least && *size <= file->size - offset ? object : NULL;
}

#define NUMBERS_TAKE(field, name)                                                                  \
	if (READER_BEGINS(data, length, name))                                                     \
		field = (struct numbers_text)                                                      \
		{                                                                                  \
			data + sizeof(name) - 1, length - (sizeof(name) - 1)                       \
		}

static void
numbers_see(struct numbers_record *record, const char *data, size_t length)
{
	switch (length > 6 ? data[6] : 0) {
	case 'S':
		NUMBERS_TAKE(record->seq, "BOXDO_SEQ=");
		break;
	case 'R':
		NUMBERS_TAKE(record->record, "BOXDO_RECORD=");
		break;
	case 'H':
		NUMBERS_TAKE(record->host, "BOXDO_HOST=");
		break;
	}
	NUMBERS_TAKE(record->machine, "_MACHINE_ID=");
	NUMBERS_TAKE(record->boot, "_BOOT_ID=");
	reader_entry_origin_see(&record->origin, data, length);
}

/* False: the file is not as it should be. */
static bool
numbers_fields(const struct numbers_file *file, const uint8_t *entry, uint64_t size,
    struct numbers_record *record)
{
	for (uint64_t at = NUMBERS_ENTRY; at + file->item <= size; at += file->item) {
		size_t word = file->item == 4 ? 4 : 8;
		uint64_t length;
		const uint8_t *data = numbers_object(
		    file, numbers_word(entry + at, word), OBJECT_DATA, file->payload, &length);

		if (data == NULL)
			return false;
		length -= file->payload;
		if (data[1] != 0)
			record->hidden |= length < NUMBERS_SHORT;
		else
			numbers_see(record, (const char *)data + file->payload, length);
	}
	return true;
}

static void
numbers_copy(char *to, size_t size, struct numbers_text from)
{
	if (from.length >= size)
		from.length = size - 1;
	if (from.length > 0)
		memcpy(to, from.text, from.length);
	to[from.length] = '\0';
}

/* 1: one more, in *number; 0: not ours, not asked for, or seen before; -errno. */
static int
numbers_entry(struct reader *reader, const struct numbers_file *file, uint64_t offset,
    struct reader_number *number)
{
	struct numbers_record record = {0};
	char text[40];
	uint64_t size;
	const uint8_t *entry = numbers_object(file, offset, OBJECT_ENTRY, NUMBERS_ENTRY, &size);
	bool ours, whole;

	if (entry == NULL || !numbers_fields(file, entry, size, &record))
		return -EPROTONOSUPPORT;
	ours = reader_entry_origin_ours(&record.origin, reader->foreign);
	whole = record.seq.text && record.record.text && record.host.text && record.machine.text &&
	        record.boot.text;
	if (record.hidden && !(ours && whole))
		return -EPROTONOSUPPORT;
	number->realtime = numbers_word(entry + 24, 8);
	if (!ours || number->realtime < reader->filter->since ||
	    number->realtime > reader->filter->until)
		return 0;
	numbers_copy(text, sizeof text, record.seq);
	number->seq = strtoull(text, NULL, 10);
	numbers_copy(number->machine, sizeof number->machine, record.machine);
	numbers_copy(number->boot, sizeof number->boot, record.boot);
	numbers_copy(number->host, sizeof number->host, record.host);
	numbers_copy(text, sizeof text, record.record);
	return reader_seen_add(&reader->seen, text);
}

/* Walks the list of all records: arrays, each of which names the next. */
static int
numbers_list(struct reader *reader, const struct numbers_file *file,
    const struct reader_header *header, int (*take)(void *, const struct reader_number *),
    void *context)
{
	uint64_t array = header->array, left = header->entries, size, before = 0;
	int result = 0;

	while (left > 0) {
		const uint8_t *object =
		    numbers_object(file, array, OBJECT_ENTRY_ARRAY, NUMBERS_ARRAY, &size);

		if (object == NULL || array <= before)
			return -EPROTONOSUPPORT;
		for (uint64_t at = NUMBERS_ARRAY; at + file->slot <= size && left > 0;
		     at += file->slot, left--) {
			struct reader_number number;

			result = numbers_entry(
			    reader, file, numbers_word(object + at, file->slot), &number);
			if (result > 0)
				result = take(context, &number);
			if (result < 0)
				return result;
		}
		before = array;
		array = numbers_word(object + 16, 8);
	}
	return 0;
}

static int
numbers_file(struct reader *reader, const struct reader_file *from,
    int (*take)(void *, const struct reader_number *), void *context)
{
	struct reader_header header;
	struct numbers_file file;
	struct stat status;
	void *map;
	bool compact;
	int result;

	/* How many there are first, then how large the file is: it may be growing. */
	if (reader_files_header(from, &header) == -1 || fstat(from->fd, &status) == -1 ||
	    (header.flags & ~(uint32_t)(FILE_COMPRESSED | FILE_KEYED_HASH | FILE_COMPACT)) != 0)
		return -EPROTONOSUPPORT;
	compact = (header.flags & FILE_COMPACT) != 0;
	map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, from->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	file = (struct numbers_file){.map = map,
	    .size = (uint64_t)status.st_size,
	    .payload = compact ? 72 : 64,
	    .item = compact ? 4 : 16,
	    .slot = compact ? 4 : 8};
	result = numbers_list(reader, &file, &header, take, context);
	munmap(map, (size_t)status.st_size);
	return result;
}

int
reader_numbers(
    struct reader *reader, int (*take)(void *, const struct reader_number *), void *context)
{
	int result = 0;

	for (size_t key = 0; key < READER_KEYS; key++)
		if (*reader->filter->values[key] != NULL)
			return -EPROTONOSUPPORT;
	if (reader->filter->running)
		return -EPROTONOSUPPORT;
	reader_seen_clear(&reader->seen);
	for (size_t i = 0; i < reader->files.count && result == 0; i++)
		result = numbers_file(reader, &reader->files.files[i], take, context);
	return result;
}
