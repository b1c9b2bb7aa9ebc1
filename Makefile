# boxdo. `make`, `make check`, `make demo`, `make install`, `make bench`: see README.md.
CC       = gcc
MUSL_CC  = musl-gcc
B        = build
DESTDIR  =

WARN     = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
           -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wno-format-nonliteral -Wno-format-truncation
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

$(B)/%.o: %.c | $(B)/filters.h
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
$(B)/filters.h: $(B)/filtergen $(wildcard broker/filter/*.list)
	$(B)/filtergen broker/filter > $@.tmp && mv $@.tmp $@

# Unit tests: one program a file in tests/unit, under ASan and UBSan, with the objects named in its first line.
UNIT     = $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*_test.c))
$(B)/unit/%: tests/unit/%.c $(wildcard policy/*.[ch] audit/*.[ch] broker/*.[ch] client/*.[ch]) $(B)/filters.h
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -o $@ $< $$(sed -n '1s,^/\* with: \(.*\) \*/$$,\1,p' $<) -lcmocka -l:libinih.a -l:libmd.a -lsystemd

unit: $(UNIT)
	@for t in $(UNIT); do echo "== $$t"; $$t || exit 1; done

# --- installing: packaging/manifest says what goes where ---------------------------------------------

install: all
	packaging/install $(DESTDIR)

# Debian packages named in packaging/build-deps that are missing. Only then is root needed, and a mirror.
deps:
	@missing=$$(sed 's/#.*//' packaging/build-deps | xargs -n 1 dpkg-query -W -f '$${Package} $${db:Status-Status}\n' 2>&1 | \
		sed -n 's/^dpkg-query: no packages found matching //p; s/ \(not-installed\|config-files\)$$//p'); \
	[ -z "$$missing" ] || { apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; }

# --- tests: tests/README.md -----------------------------------------------------------------------

# Programs the tests use inside a stage.
HELPERS  = $(patsubst tests/helpers/%.c,$(B)/helpers/%,$(wildcard tests/helpers/*.c))
$(B)/helpers/passthrough: HELPER_LIBS = $$(pkg-config --cflags --libs fuse3)
# Runs inside of images that have no libraries.
$(B)/helpers/attack_inside: HELPER_LIBS = -static
$(B)/helpers/%: tests/helpers/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O1 -g -o $@ $< $(HELPER_LIBS)
helpers: $(HELPERS)

# Asked by the lints.
launch-objects:
	@echo $(BROKER) $(POLICY) $(WRITER)
programs:
	@echo $(PROGRAMS)

lint: all
	@tests/run lint

# What every change must pass; under 15 minutes on two cores. Some of it needs root.
check: deps
	@$(MAKE) --no-print-directory all helpers $(UNIT)
	@tests/run --fresh lint unit flow attack faults
# Slow tiers: in a virtual machine with systemd; fuzzing and long runs.
check-vm: all helpers
	@tests/run vm
check-long: all helpers
	@tests/run long

demo: deps
	@$(MAKE) --no-print-directory -s all helpers
	@tests/demo

# How long a launch takes beside others, and where its time goes: bench/run.
BENCH    = $(B)/bench/timer $(B)/bench/floor
$(B)/bench/%: bench/%.c
	@mkdir -p $(@D)
	$(MUSL_CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O2 -static -o $@ $<
bench: deps
	@$(MAKE) --no-print-directory -s all helpers $(BENCH)
	@bench/run
bench-stages: deps
	@$(MAKE) --no-print-directory -s all helpers $(BENCH)
	@bench/run stages

clean:
	rm -rf $(B)

.PHONY: all unit helpers clean install deps launch-objects programs lint check check-vm check-long demo bench bench-stages
-include $(wildcard $(foreach d,broker policy audit client,$(B)/$(d)/*.d))
