# The only front door. `make help` lists what it can do.
#
# Sources are found by pattern: a new .c file under src/ joins the program, a *_test.c becomes a test program, a
# *_fuzz.c a fuzz target. Nothing is listed twice, so a new file needs no edit here.
#
#   SAN=address,undefined | SAN=thread   a sanitizer build, in a build folder of its own
#   CC=gcc | CC=clang                    either compiles it; warnings are errors
#   V=1                                  show the commands

VERSION := 0.1.0
PREFIX  ?= /usr/local
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
SAN     ?=
V       ?= 0
Q       := $(if $(filter 1,$(V)),,@)

comma   := ,
variant := $(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(filter clang%,$(CC)),-clang)
B       := build$(if $(variant),/variant$(variant))
O       := $(B)/obj

PKGS    := libuv yaml-0.1 open62541 openssl libmosquitto sqlite3 jansson libcurl libzstd libprotobuf-c libseccomp libisal libxml-2.0
# Computed once, and only when something is to be compiled: `make deps` must run before pkg-config exists, and before
# etc/open62541.sh knows a prefix. Their headers are held to their authors' standard of warnings, hence -isystem.
UA_PREFIX  = $(eval UA_PREFIX := $$(or $$(shell sh etc/open62541.sh prefix),$$(error the line above says \
		what is missing)))$(UA_PREFIX)
PKG_CONFIG = PKG_CONFIG_PATH=$(UA_PREFIX)/lib/pkgconfig:$$PKG_CONFIG_PATH pkg-config
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(patsubst -I%,-isystem %,$$(shell $$(PKG_CONFIG) --cflags $(PKGS))))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell $$(PKG_CONFIG) --libs $(PKGS)))$(PKG_LIBS)

OPT     := $(if $(SAN),-O1 -fno-omit-frame-pointer,-O2)
HARDEN  := -fstack-protector-strong -fstack-clash-protection -fPIE $(if $(filter x86_64,$(shell uname -m)),-fcf-protection) \
           $(if $(filter clang%,$(CC)),,-ftrivial-auto-var-init=zero) $(if $(SAN),,-D_FORTIFY_SOURCE=$(if $(filter clang%,$(CC)),2,3))
WARN    := -Wall -Wextra -Wconversion -Wshadow -Werror -Wformat=2 -Wvla -Wstrict-prototypes -Wmissing-prototypes
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)
CFLAGS  ?= -g
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -DPENSTOCK_VERSION='"$(VERSION)"' -I. -Isrc -I$(B)/gen $(WARN) $(OPT) $(HARDEN) \
           $(SANFLAGS) -ffile-prefix-map=$(CURDIR)=. $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed,--gc-sections $(SANFLAGS) $(LDFLAGS)
LIBS    = $(PKG_LIBS) -lpthread -lm

C       := $(shell find src -name '*.c' 2>/dev/null | LC_ALL=C sort)
TEST_C  := $(filter %_test.c,$(C))
FUZZ_C  := $(filter %_fuzz.c,$(C))
MAIN_C  := src/cli/main.c
LIB_C   := $(filter-out $(TEST_C) $(FUZZ_C) $(MAIN_C),$(C))
PROTO   := $(shell find src -name '*.proto' 2>/dev/null)
GEN_C   := $(PROTO:src/%.proto=$(B)/gen/%.pb-c.c)
GEN_H   := $(GEN_C:.c=.h)
READY   := $(sort $(wildcard src/sink/sap_odata/ready/*.yaml))
READY_C := $(B)/gen/sink/sap_odata/ready.c
LIB_O   := $(LIB_C:%.c=$(O)/%.o) $(GEN_C:%.c=%.o) $(READY_C:.c=.o)
LIB_A   := $(B)/libpenstock.a
TESTS   := $(TEST_C:src/%.c=$(B)/test/%)
REPLAYS := $(FUZZ_C:src/%.c=$(B)/replay/%)
FUZZERS := $(FUZZ_C:src/%.c=build/fuzz/%)
BENCH_C := $(wildcard bench/*.c)
PEER_C  := $(wildcard test/peers/*.c)
PEERS   := $(PEER_C:test/peers/%.c=$(B)/peers/%)

.PHONY: all help deps test-deps demo test unit fuzz bench soak soak-requests soak-opcua soak-link soak-diode campaign-sap bare install clean peers node-peers replays tools objects \
        FORCE
all: $(B)/penstock

help:
	@sed -n 's/^#: //p' $(firstword $(MAKEFILE_LIST))
#: make           build the program, build/penstock
#: make demo      set up, then run the main job on a simulated bottling line
#: make test      set up, then run every test
#: make deps      install what the build needs (says what), test-deps what the tests need on top
#: make fuzz      fuzz every parser for FUZZ_SECONDS each (60)
#: make bench     measure, printing tables; build/bench NAME for one alone
#: make soak      the long fault campaign; soak-requests: that of writes to devices,
#:                soak-opcua: 1,000 losses of an OPC UA server, soak-link, soak-diode: nodes; soak-link: three nodes in namespaces, soak-diode: two,
#:                20,000 samples/s for a minute over cables that are cut and spoilt (takes root)
#: make campaign-sap   10,000 confirmations to a simulated SAP under faults, each booked once
#: make bare DIST=bookworm   prove the two commands in a minimal root of that distribution
#: make install DESTDIR= PREFIX=/usr/local

# For the makes that a target starts: as many jobs as there are processors, unless -j was given.
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

deps:      ; @sh etc/deps.sh build && sh etc/open62541.sh build
test-deps: ; @sh etc/deps.sh build test && sh etc/open62541.sh build

$(B)/penstock: $(MAIN_C:%.c=$(O)/%.o) $(LIB_A)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
	@echo "built $@"

$(LIB_A): $(LIB_O)
	$(Q)rm -f $@ && ar rcs $@ $^

# The script chooses the OPC UA library and how it is cut: another choice, another set of headers.
$(O)/%.o: %.c etc/open62541.sh | $(GEN_H)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -ffunction-sections -fdata-sections -MMD -MP -c -o $@ $<

# Mappings that come with the program.
$(READY_C): $(READY) etc/embed.sh
	@mkdir -p $(@D)
	$(Q)sh etc/embed.sh sap_ready $(READY) >$@

# Generated code is held to its generator's standard of warnings, not to ours.
$(B)/gen/%.pb-c.c $(B)/gen/%.pb-c.h &: src/%.proto
	@mkdir -p $(@D)
	$(Q)protoc-c --proto_path=src --c_out=$(B)/gen $<
$(B)/gen/%.o: $(B)/gen/%.c
	$(Q)$(CC) -std=c17 -D_GNU_SOURCE -I$(B)/gen $(OPT) $(HARDEN) $(SANFLAGS) $(PKG_CFLAGS) $(CFLAGS) -c -o $@ $<

# Tests: one small program per *_test.c, linked against everything.
$(B)/test/%: $(O)/src/%.o $(LIB_A)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# Fuzz harnesses twice: with libFuzzer (clang), and as plain programs that replay the corpus under any compiler.
$(B)/replay/%: $(O)/src/%.o $(O)/test/replay.o $(LIB_A)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
replays: $(REPLAYS)

FUZZ_SECONDS ?= 60
FUZZ_B := build/variant-fuzzer-no-link-address-undefined-clang
# The inner make has FUZZ_B set aside, since there this library is an ordinary one.
$(FUZZ_B)/libpenstock.a: FORCE
	$(Q)$(MAKE) --no-print-directory CC=clang SAN=fuzzer-no-link,address,undefined FUZZ_B=none $@
build/fuzz/%: src/%.c $(FUZZ_B)/libpenstock.a
	@mkdir -p $(@D)
	$(Q)clang -std=c17 -D_GNU_SOURCE -Isrc -I$(FUZZ_B)/gen -g -O1 -fsanitize=fuzzer,address,undefined $(PKG_CFLAGS) \
		-o $@ $< $(FUZZ_B)/libpenstock.a $(LIBS)
FORCE:
fuzz: test-deps $(FUZZERS)
	@sh test/fuzz.sh $(FUZZ_SECONDS) $(FUZZERS)

PEER_FLAGS = $(eval PEER_FLAGS := $$(patsubst -I%,-isystem %,$$(shell \
	$$(PKG_CONFIG) --cflags --libs libmodbus libmosquitto open62541 openssl)))$(PEER_FLAGS)
# The OPC UA peers are several files each, in folders of their own.
$(B)/peers/ua_server: $(wildcard test/peers/ua/*.[ch])
$(B)/peers/ua_bare_client: $(wildcard test/peers/ua_bare/*.[ch])
$(B)/peers/%: test/peers/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -O2 -g $(SANFLAGS) -o $@ $(filter %.c,$^) \
		-Wl,--as-needed,--gc-sections $(PEER_FLAGS) \
		-lpthread -lm
peers: $(PEERS)

# Peers that npm has. The lock file pins what is fetched by its hash and names no address; nothing of theirs is run here.
# hexy is held back by an override: later ones cannot be loaded by Debian 12's node 18, which all else here runs on. Two
# packages that the Cloud SDK wants are kept out by their licence; empty ones of test/peers/no_sap take their place.
node-peers: test/peers/node_modules/.fetched
test/peers/node_modules/.fetched: test/peers/package-lock.json
	$(Q)cd $(<D) && npm ci --silent --ignore-scripts --no-audit --no-fund && touch node_modules/.fetched

build/bench: $(BENCH_C:%.c=build/obj/%.o) build/libpenstock.a
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $$(pkg-config --libs libmodbus 2>/dev/null) $(LIBS)
bench: test-deps
	$(Q)$(MAKE) --no-print-directory $(JOBS) all peers build/bench
	build/bench all

demo: deps
	$(Q)$(MAKE) --no-print-directory $(JOBS) all
	@sh etc/demo/demo.sh build/penstock

unit: $(TESTS) $(REPLAYS)
# What the whole-system tests run.
tools: all peers node-peers
# Everything compiled, nothing linked: for trying a compiler.
objects: $(C:%.c=$(O)/%.o) $(BENCH_C:%.c=$(O)/%.o) $(GEN_C:%.c=%.o) $(READY_C:.c=.o)

test: test-deps
	@sh test/all.sh
soak: test-deps
	$(Q)$(MAKE) --no-print-directory $(JOBS) all
	/usr/bin/python3 test/faults.py --trials 10000
soak-requests: test-deps
	$(Q)$(MAKE) --no-print-directory $(JOBS) all peers
	/usr/bin/python3 test/requests.py --trials 10000
soak-opcua: test-deps
	$(Q)$(MAKE) --no-print-directory $(JOBS) all peers
	/usr/bin/python3 test/opcua_flap.py --cycles 1000
soak-link: test-deps
	$(Q)$(MAKE) --no-print-directory $(JOBS) all
	/usr/bin/python3 test/link_soak.py --seconds 60
soak-diode: test-deps
	$(Q)$(MAKE) --no-print-directory $(JOBS) all
	/usr/bin/python3 test/diode_soak.py --seconds 300
campaign-sap: test-deps
	$(Q)$(MAKE) --no-print-directory $(JOBS) all
	/usr/bin/python3 test/confirmations.py --confirmations 10000
bare:
	@sh test/bare.sh $(or $(DIST),bookworm)

install: $(B)/penstock
	install -D -m 755 $(B)/penstock $(DESTDIR)$(PREFIX)/bin/penstock
	install -D -m 644 NOTICE $(DESTDIR)$(PREFIX)/share/doc/penstock/NOTICE
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's,/usr/local/,$(PREFIX)/,' etc/systemd/penstock.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/penstock.service
	sed 's,/usr/local/,$(PREFIX)/,' etc/systemd/penstock-cert@.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/penstock-cert@.service
	install -m 644 etc/systemd/penstock-cert@.timer $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/penstock/systemd etc/systemd/penstock-users.conf etc/systemd/penstock-sysusers.conf
	install -D -m 644 etc/demo/site.yaml $(DESTDIR)$(PREFIX)/share/penstock/demo/site.yaml

clean: ; rm -rf build

.SECONDARY:
-include $(shell find $(O) -name '*.d' 2>/dev/null)
