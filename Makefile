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

BROKER   = $(patsubst %.c,$(B)/%.o,$(wildcard broker/*.c broker/ask/*.c))
# What decides is in the helper; what explains it to people and looks for slips in it is not.
POLICY_TOOLS = $(patsubst %,$(B)/policy/%.o,set explain review)
POLICY   = $(filter-out $(POLICY_TOOLS),$(patsubst %.c,$(B)/%.o,$(wildcard policy/*.c)))
# The helper is static, with musl: broker/kernel/kernel.c says why. Its objects lie in build/launch; those of other
# programs, and what lints look at, are made with glibc as usual.
LAUNCH_CC = $(MUSL_CC) -std=gnu11 -D_GNU_SOURCE $(WARN) $(filter-out -D_FORTIFY_SOURCE%,$(HARDEN)) -isystem broker/kernel -I. -I$(B) \
           -idirafter /usr/include/$(shell $(CC) -print-multiarch) -idirafter /usr/include
# musl-gcc cannot link a static program at a random address, so that gcc is told each part.
MUSL     = /usr/lib/$(subst -gnu,-musl,$(shell $(CC) -print-multiarch))
LAUNCH   = $(patsubst $(B)/%,$(B)/launch/%,$(filter-out $(B)/broker/ask/%,$(BROKER)) $(POLICY) $(WRITER))
LAUNCH_LD = $(CC) $(filter-out -pie,$(LDHARDEN)) -nostdlib -static-pie -o $@ $(MUSL)/rcrt1.o $(MUSL)/crti.o $^ $(LAUNCH_LIBS) \
           -Wl,--start-group $(MUSL)/libc.a -lgcc -lgcc_eh -Wl,--end-group $(MUSL)/crtn.o
LAUNCH_LIBS = $(shell $(CC) -print-file-name=libinih.a) $(shell $(CC) -print-file-name=libmd.a)
# Modules of PAM and NSS are loaded by a program of their own.
ASK      = $(patsubst %.c,$(B)/%.o,$(wildcard broker/ask/*.c) broker/drop.c broker/wire.c broker/fds.c)
WRITER   = $(B)/audit/record.o $(B)/audit/journal.o $(B)/audit/state.o
CLIENT   = $(wildcard client/boxdo*.c)

# What decides for `boxdo explain` and the other tools are the helper's own objects (musl's and glibc's types agree in
# all that policy/ uses): tests/lint/22-same-objects.
TOOL     = $(patsubst %.c,$(B)/%.o,$(wildcard client/tool*.c) client/mistake.c client/running.c broker/process.c client/warm.c broker/known.c broker/image.c broker/sif.c broker/loop.c broker/wire.c client/change.c client/replace.c broker/request.c broker/spots.c broker/fds.c \
	   client/boxdo_run.c client/boxdo_cid.c client/boxdo_options.c client/boxdo_values.c client/boxdo_env.c) $(patsubst $(B)/%,$(B)/launch/%,$(POLICY)) $(POLICY_TOOLS) $(WRITER)

# boxdo image: root's, never set-user-ID; it reads the policy and remembers images by the helper's own code.
IMAGE    = $(patsubst %,$(B)/client/%.o,image image_add image_show image_verify image_file image_config image_known image_warm warm catalogue change progress replace) \
           $(patsubst %,$(B)/broker/%.o,image fds known sif loop wire) $(B)/policy/set.o

PROGRAMS = $(B)/boxdo $(B)/boxdo-launch $(B)/boxdo-ask $(B)/boxdo-log $(B)/boxdo-policy
PROGRAMS += $(B)/boxdo-ps $(B)/boxdo-stop $(B)/boxdo-forget $(B)/boxdo-cdi
PROGRAMS += $(B)/boxdo-image $(B)/boxdo-pin

all: $(PROGRAMS)

$(B)/%.o: %.c | $(B)/filters.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/launch/%.o: %.c | $(B)/filters.h
	@mkdir -p $(@D)
	$(LAUNCH_CC) -MMD -MP -c -o $@ $<
# The objects made with glibc are not linked, but lints read them.
$(B)/boxdo-launch: $(LAUNCH) $(B)/launch/broker/kernel/kernel.o | $(BROKER) $(POLICY) $(WRITER)
	$(LAUNCH_LD)

$(B)/boxdo-ask: $(ASK)
	$(CC) $(LDHARDEN) -o $@ $^ -lpam

# The client that starts containers is static and tiny: what it adds to a launch is one small exec.
$(B)/boxdo: $(CLIENT) $(wildcard client/*.h) broker/request.h broker/running.h
	@mkdir -p $(@D)
	$(MUSL_CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O2 -g -static -fstack-protector-strong -I. -o $@ $(CLIENT)

READER   = $(patsubst %.c,$(B)/%.o,$(wildcard audit/reader*.c))
LOG      = $(patsubst %.c,$(B)/%.o,$(wildcard client/log*.c))
$(B)/boxdo-log: $(LOG) $(B)/client/nobody.o $(READER) $(POLICY)
	$(CC) $(LDHARDEN) -o $@ $^ -lsystemd -l:libinih.a -l:libmd.a
REPORT   = $(patsubst %.c,$(B)/%.o,$(wildcard client/report*.c)) $(patsubst %,$(B)/client/log_%.o,options screen text)
PROGRAMS += $(B)/boxdo-report
all: $(B)/boxdo-report
$(B)/boxdo-report: $(REPORT) $(READER)
	$(CC) $(LDHARDEN) -o $@ $^ -lsystemd

$(B)/boxdo-policy: $(TOOL)
	$(CC) $(LDHARDEN) -o $@ $^ -l:libinih.a -l:libmd.a

# What runs now; the table's layout and /proc/PID/stat are read by the same code as in the helper.
$(B)/boxdo-ps: $(B)/client/ps.o $(B)/client/running.o $(B)/broker/process.o $(B)/broker/fds.o
$(B)/boxdo-stop: $(B)/client/stop.o $(B)/client/stop_image.o $(B)/client/nobody.o $(B)/client/running.o $(B)/broker/process.o $(B)/broker/fds.o $(POLICY)
$(B)/boxdo-forget: $(B)/client/forget.o $(B)/client/running.o $(B)/broker/process.o $(B)/broker/fds.o
$(B)/boxdo-ps $(B)/boxdo-stop $(B)/boxdo-forget:
	$(CC) $(LDHARDEN) -o $@ $^ -l:libinih.a -l:libmd.a

$(B)/boxdo-pin: $(B)/client/pin.o
	$(CC) $(LDHARDEN) -o $@ $^

$(B)/boxdo-cdi: $(patsubst %,$(B)/client/%.o,cdi cdi_value cdi_effect cdi_yaml)
	$(CC) $(LDHARDEN) -o $@ $^ -ljson-c -lyaml

$(B)/boxdo-image: $(IMAGE) $(POLICY) $(WRITER)
	$(CC) $(LDHARDEN) -o $@ $^ -l:libinih.a -l:libmd.a -ljson-c

# The seccomp filters, made at build time from the lists beside the generator.
$(B)/filtergen: broker/filter/filtergen.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O1 -g -o $@ $< -lseccomp
$(B)/filters.h: $(B)/filtergen $(wildcard broker/filter/*.list)
	$(B)/filtergen broker/filter > $@.tmp && mv $@.tmp $@

# Unit tests: one program a file in tests/unit, under ASan and UBSan, with the sources (and linker options) that
# its first line names: /* with: policy/words.c policy/arena.c -Wl,--wrap=open */. Each source is compiled once.
UNIT     = $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*_test.c))
$(B)/asan/%.o: %.c | $(B)/filters.h
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -MMD -MP -c -o $@ $<
define UNIT_RULE
$(B)/unit/$(1): $(B)/asan/tests/unit/$(1).o $(patsubst %.c,$(B)/asan/%.o,$(wildcard $(filter %.c,$(2))))
	@mkdir -p $$(@D)
	$$(CC) $$(SANITIZE) -o $$@ $$^ $(filter-out %.c,$(2)) -lcmocka -l:libinih.a -l:libmd.a -lsystemd
endef
$(foreach t,$(notdir $(UNIT)),$(eval $(call UNIT_RULE,$(t),$(shell sed -n '1s,^/\* with: *\(.*\)\*/$$,\1,p' tests/unit/$(t).c))))

unit: $(UNIT)
	@for t in $(UNIT); do echo "== $$t"; $$t || exit 1; done

# --- installing: packaging/manifest says what goes where ---------------------------------------------

install: all
	packaging/install $(DESTDIR)

# docker, podman, nerdctl, apptainer and singularity as names of boxdo's, where they are not installed themselves.
install-shims:
	packaging/install --shims $(DESTDIR)

# Debian packages named in packaging/build-deps that are missing; in build-deps.bench, what `make bench` measures
# beside boxdo; in build-deps.long, what `make check-long` alone needs. Only then is root needed, and a mirror.
deps deps-bench deps-long:
	@missing=$$(sed 's/#.*//' packaging/build-$(subst -,.,$@) | xargs -n 1 dpkg-query -W -f '$${Package} $${db:Status-Status}\n' 2>&1 | \
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
# policy/ over a pipe, with files in memory: tests/agree. The helper's own objects, with the helper's libc.
DECIDES  = $(filter-out %/vet.o,$(patsubst $(B)/%,$(B)/launch/%,$(POLICY))) $(B)/launch/broker/kernel/kernel.o
$(B)/launch/tests/agree/driver.o: tests/agree/memory.h policy/policy.h
$(B)/agree/driver: $(B)/launch/tests/agree/driver.o $(DECIDES)
	@mkdir -p $(@D)
	$(LAUNCH_LD)
# policy/hours.c with the helper's libc, and as boxdo-policy has it.
HOURS    = $(B)/launch/tests/agree/hours.o $(B)/launch/policy/hours.o $(B)/launch/policy/arena.o
$(B)/agree/hours-launch: $(HOURS)
	@mkdir -p $(@D)
	$(LAUNCH_LD)
$(B)/agree/hours-tools: $(HOURS)
	@mkdir -p $(@D)
	$(CC) $(LDHARDEN) -o $@ $^
helpers: $(HELPERS) $(B)/agree/driver $(B)/agree/hours-launch $(B)/agree/hours-tools $(B)/bench/timer $(B)/bench/load

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
	@tests/run --fresh --again lint unit flow attack faults
# Slow tiers: in a virtual machine with systemd; fuzzing and long runs.
check-vm: all helpers
	@tests/run vm
check-long: deps-long all helpers
	@tests/run long

demo: deps
	@$(MAKE) --no-print-directory -s all helpers
	@tests/demo

# How long a launch takes beside others, and where its time goes: bench/run.
BENCH    = $(B)/bench/timer $(B)/bench/floor $(B)/bench/calls
$(B)/bench/%: bench/%.c
	@mkdir -p $(@D)
	$(MUSL_CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O2 -static -o $@ $< -idirafter /usr/include/$(shell $(CC) -print-multiarch) -idirafter /usr/include
bench: deps
	@$(MAKE) --no-print-directory -s deps-bench || echo 'bench: rows of peers that could not be installed are left out' >&2
	@$(MAKE) --no-print-directory -s all helpers $(BENCH)
	@bench/run
$(B)/bench/load: bench/load.c $(POLICY)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $^ -pie -l:libinih.a -l:libmd.a
bench-rules: deps
	@$(MAKE) --no-print-directory -s all helpers $(BENCH) $(B)/bench/load
	@bench/rules
bench-stages: deps
	@$(MAKE) --no-print-directory -s all helpers $(BENCH)
	@bench/run stages
# boxdo log on a million records beside journalctl: RECORDS=, ROUNDS=.
bench-log: deps
	@$(MAKE) --no-print-directory -s $(B)/boxdo-log
	@bench/log
.PHONY: bench-log

clean:
	rm -rf $(B)

.PHONY: all unit helpers clean install install-shims deps deps-bench deps-long launch-objects programs lint check check-vm check-long demo bench bench-rules bench-stages
-include $(wildcard $(foreach d,broker broker/ask policy audit client launch/broker launch/broker/kernel launch/policy launch/audit,$(B)/$(d)/*.d $(B)/asan/$(d)/*.d) $(B)/asan/tests/unit/*.d)
