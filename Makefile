# boxdo. `make`, `make check`, `make demo`, `make install`, `make bench`: see README.md.
CC       = gcc
MUSL_CC  = musl-gcc
B        = build
DESTDIR  =

WARN     = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
           -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wno-format-nonliteral
HARDEN   = -O2 -g -fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection=full \
           -D_FORTIFY_SOURCE=2 -fno-strict-aliasing
CFLAGS   = -std=gnu11 -D_GNU_SOURCE $(WARN) $(HARDEN) -I. -I$(B)
LDHARDEN = -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code -Wl,--as-needed
SANITIZE = -std=gnu11 -D_GNU_SOURCE $(WARN) -O1 -g -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all -I. -I$(B)

BROKER   = $(patsubst %.c,$(B)/%.o,$(wildcard broker/*.c))
POLICY   = $(patsubst %.c,$(B)/%.o,$(wildcard policy/*.c))
WRITER   = $(B)/audit/record.o $(B)/audit/journal.o $(B)/audit/state.o
# Linked into the helper statically where Debian has an archive: fewer libraries to map at every launch.
LAUNCH_LIBS = -lpam -l:libcap.a -l:libinih.a -l:libmd.a
CLIENT   = $(wildcard client/boxdo*.c)

PROGRAMS = $(B)/boxdo $(B)/boxdo-launch $(B)/boxdo-log

all: $(PROGRAMS)

$(B)/%.o: %.c | $(B)/filter.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/boxdo-launch: $(BROKER) $(POLICY) $(WRITER)
	$(CC) $(LDHARDEN) -o $@ $^ $(LAUNCH_LIBS)

# The client that starts containers is static and tiny: what it adds to a launch is one small exec.
$(B)/boxdo: $(CLIENT) $(wildcard client/*.h) broker/request.h
	@mkdir -p $(@D)
	$(MUSL_CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O2 -g -static -fstack-protector-strong -I. -o $@ $(CLIENT)

$(B)/boxdo-log: $(B)/client/log.o $(B)/audit/reader.o
	$(CC) $(LDHARDEN) -o $@ $^ -lsystemd

# The seccomp filters, made at build time from the lists beside the generator.
$(B)/filtergen: broker/filter/filtergen.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O1 -g -o $@ $< -lseccomp
$(B)/filter.h: $(B)/filtergen $(wildcard broker/filter/*.list)
	$(B)/filtergen broker/filter > $@.tmp && mv $@.tmp $@

# Unit tests: one program a file in tests/unit, under ASan and UBSan, with the objects named in its first line.
UNIT     = $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*_test.c))
$(B)/unit/%: tests/unit/%.c $(wildcard policy/*.[ch] audit/*.[ch] broker/*.[ch] client/*.[ch])
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -o $@ $< $$(sed -n '1s,^/\* with: \(.*\) \*/$$,\1,p' $<) -lcmocka -l:libinih.a -l:libmd.a -lsystemd

unit: $(UNIT)
	@for t in $(UNIT); do echo "== $$t"; $$t || exit 1; done

# Programs the tests use inside a stage.
HELPERS  = $(B)/helpers/socket-hold $(B)/helpers/passthrough
$(B)/helpers/passthrough: HELPER_LIBS = $$(pkg-config --cflags --libs fuse3)
$(B)/helpers/%: tests/helpers/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O1 -g -o $@ $< $(HELPER_LIBS)
helpers: $(HELPERS)

clean:
	rm -rf $(B)

.PHONY: all unit helpers clean
-include $(wildcard $(B)/*/*.d)
