/*
 * For tests and fuzz harnesses of this folder: a catalog with a driver "toy" and the sinks "box" and "till", so that site/ is
 * tested without any real driver. A toy's address is "word N TYPE" (N counts 16-bit words from 0 to 9999) or "bit
 * N.B". Each tag takes the toy's link 1 ms a read.
 */
#ifndef SITE_SITE_TESTING_H
#define SITE_SITE_TESTING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "site/files.h"

enum { TOY_UNIT, TOY_TIMEOUT, TOY_KEYS };
static const struct key toy_keys[] = {
	[TOY_UNIT] = { "unit", KEY_INT, .min = 0, .max = 247, .required = true, .help = "Number of the toy." },
	[TOY_TIMEOUT] = { "timeout", KEY_DURATION, .min = 1e6, .max = 60e9, .def = "1 s",
		.help = "How long to wait for an answer." },
	[TOY_KEYS] = { 0 },
};

static int
toy_parse_at(const char *at, const struct keyval *keys, struct at_info *out, char *why, size_t size)
{
	char type[16] = "";
	unsigned n = 0, bit = 0;
	int used = 0;
	(void)keys;

	*out = (struct at_info){ .writable = true };
	if (sscanf(at, "bit %4u.%2u%n", &n, &bit, &used) == 2 && at[used] == '\0' && bit < 16) {
		out->type = VALUE_BOOL;
		out->bit = true;
		out->first = out->last = n;
		return 0;
	}
	/* What a name holds, the toy alone knows. */
	if (sscanf(at, "name %4u%n", &n, &used) == 1 && at[used] == '\0') {
		out->first = out->last = n;
		out->space = 1;
		return 0;
	}
	if (sscanf(at, "word %4u %15[a-z0-9]%n", &n, type, &used) != 2 || at[used] != '\0') {
		snprintf(why, size, "it is not of the form \"word N TYPE\" or \"bit N.B\"");
		return ERR_SYNTAX;
	}
	int t = value_type_parse(type, strlen(type));
	if (t < 0 || value_size((uint8_t)t) == 0) {
		snprintf(why, size, "\"%s\" is no type that a toy has", type);
		return ERR_SYNTAX;
	}
	out->type = (uint8_t)t;
	out->first = n;
	out->last = n + (value_size((uint8_t)t) + 1) / 2 - 1;
	return 0;
}

static int
toy_load(const struct source *s, struct arena *a, struct load_info *out)
{
	*out = (struct load_info){ .basis = arena_printf(a, "%u tags of 1 ms", s->ntags) };
	for (uint32_t i = 0; i < s->ntags; i++)
		if (s->tags[i].scan_ns > 0)
			out->requests_per_s += 1e9 / (double)s->tags[i].scan_ns;
	out->busy = out->requests_per_s * 0.001;
	out->bytes_per_s = out->requests_per_s * 20;
	return 0;
}

/* Toy 99 has a seal on it. */
static int
toy_can_write(const struct keyval *keys, char *why, size_t size)
{
	if (keys[TOY_UNIT].i != 99)
		return 0;
	snprintf(why, size, "toy 99 is sealed: break the seal");
	return ERR_DENIED;
}

static const struct driver_info toy_driver = {
	.name = "toy",
		.help = "A toy.", .keys = toy_keys, .default_port = 502, .parse_at = toy_parse_at, .load = toy_load,
		.writes = true, .calls = true, .can_write = toy_can_write,
};

enum { BOX_BROKER, BOX_TOPIC, BOX_CA, BOX_KEYS };
static const struct key box_keys[] = {
	[BOX_BROKER] = { "broker", KEY_ENDPOINT, .required = true, .help = "Where the box is." },
	[BOX_TOPIC] = { "topic", KEY_TEXT, .min = 1, .max = 100, .def = "plant", .help = "Topic." },
	[BOX_CA] = { "ca-file", KEY_PATH, .help = "Certificate." },
	[BOX_KEYS] = { 0 },
};

static int
box_check(const struct sink *s, char *why, size_t size, size_t *key)
{
	if (strchr(s->keys[BOX_TOPIC].s, '#') == NULL)
		return 0;
	snprintf(why, size, "topic \"%s\" holds a wildcard", s->keys[BOX_TOPIC].s);
	*key = BOX_TOPIC;
	return ERR_SYNTAX;
}

static const struct sink_info box_sink = { .name = "box", .help = "A box.", .keys = box_keys, .check = box_check };
static const struct key door_keys[] = { { "at", KEY_ENDPOINT, .required = true, .help = "Where it listens." }, { 0 } };
static const struct sink_info door_sink = { .name = "door", .help = "A box that others come to.", .keys = door_keys,
    .listens = true };
static const struct sink_info till_sink = { .name = "till", .help = "A box for events.", .keys = box_keys, .events_only = true };
static const struct driver_info *const toy_drivers[] = { &toy_driver, NULL };
static const struct sink_info *const box_sinks[] = { &box_sink, &door_sink, &till_sink, NULL };
static const struct catalog toy_catalog = { toy_drivers, box_sinks };

/* Load a site of up to two files from memory: "site.yaml", and "t.csv" unless csv is NULL. */
static inline int
toy_load_text(const char *yaml, size_t len, const char *csv, size_t csv_len, struct plan **out, struct site_report *r)
{
	struct site_file rows[] = { { "site.yaml", yaml, len }, { "t.csv", csv, csv_len }, { NULL, NULL, 0 } };
	if (csv == NULL)
		rows[1].name = NULL;
	struct site_io io = site_io_memory(rows);
	return site_load_from(&io, "site.yaml", &toy_catalog, out, r);
}

/* A site that must be right; if it is not, what is wrong is told, and the test ends. Given: plan_free(). */
static inline struct plan *
toy_plan(const char *yaml, size_t len)
{
	struct site_report report = { 0 };
	struct plan *p = NULL;

	if (toy_load_text(yaml, len, NULL, 0, &p, &report) != 0) {
		struct buf b = { 0 };
		site_report_print(&report, false, &b);
		fprintf(stderr, "%s", buf_text(&b));
		abort();
	}
	site_report_free(&report);
	return p;
}

#endif
