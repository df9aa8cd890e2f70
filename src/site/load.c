/*
 * From text to plan: start reading here. The file becomes a tree of nodes (node.c); each section is read in the
 * order in which they refer to each other, whatever their order in the file; checks judge the whole; and if nothing
 * is an error, the plan is compiled.
 */
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "site/arch.h"
#include "site/checks.h"
#include "site/files.h"
#include "site/load_derived.h"
#include "site/roles.h"

const struct node *
section_first(const struct loader *l, int section)
{
	const struct node *n = l->section[section];
	return n != NULL && n->kind == NODE_MAP ? n->first : NULL;
}

void
section_name(struct loader *l, int section, const struct node *entry)
{
	static const struct key name = { "name", KEY_NAME, .help = "" };
	struct keyval v = { 0 };
	struct parse_env env = { .strings = &l->strings, .decimal = '.' };

	if (sections[section].paths || key_parse(&name, entry->key->text, entry->key->len, &env, &v) == 0)
		return;
	site_error(&l->f, "name", loader_at(l, entry->key), "\"%.80s\" cannot be the name of %s", entry->key->text,
	    sections[section].one);
	if (strchr(entry->key->text, '{') != NULL)
		site_remedy(&l->f, "a colon is missing between the name and the brace: name: { key: value }");
	site_remedy(&l->f, "%s", env.remedy);
}

static void
find_sections(struct loader *l)
{
	for (const struct node *n = l->root->first; n != NULL; n = n->next) {
		struct near near = { .word = n->key->text };
		size_t i = 0;
		while (i < SECTIONS && strcmp(sections[i].name, n->key->text) != 0)
			near_try(&near, sections[i++].name);
		if (i < SECTIONS) {
			l->section[i] = n;
			continue;
		}
		site_error(&l->f, "unknown-key", loader_at(l, n->key), "there is no section \"%.80s\"%s%s%s",
		    n->key->text,
		    near.best ? "; did you mean \"" : "", near.best ? near.best : "", near.best ? "\"?" : "");
		site_remedy(&l->f,
		    "sections are site, security, zones, conduits, sources, sinks, enums, types, equipment, tables, events, flows, requests, nodes, assets and exceptions");
	}
}

static void
check_shapes(struct loader *l)
{
	for (size_t i = 0; i < SECTIONS; i++) {
		const struct node *n = l->section[i];
		if (n == NULL && sections[i].required) {
			site_error(&l->f, "missing-section", loader_at(l, l->root), "the file has no section \"%s\"",
			    sections[i].name);
			site_remedy(&l->f, "add it: %s", sections[i].help);
		}
		if (n == NULL || node_is_null(n) || sections[i].shape == SECTION_FILES)
			continue;
		if (!keys_is_map(l, n, sections[i].name))
			l->section[i] = NULL;
	}
}

static void
load_sections(struct loader *l)
{
	if (l->root == NULL || !keys_is_map(l, l->root, "the site file"))
		return;
	find_sections(l);
	check_shapes(l);
	arch_init(l);
	load_site(l);
	load_zones(l);
	load_conduits(l);
	load_enums(l);
	load_sources(l);
	load_sinks(l);
	load_types(l);
	load_equipment(l);
	load_tables(l);
	load_derived(l);
	load_events(l);
	load_flows(l);
	roles_settle(l);
	load_requests(l);
	events_check(l);
	load_arch(l);
	site_checks(l);
	arch_rules(l);
}

static const char *
folder_of(struct loader *l, const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? "." : slash == path ? "/" : strings_keep(&l->strings, path, (size_t)(slash - path));
}

int
loader_read(struct loader *l, const char *path, struct buf *out)
{
	bool known = map_get(&l->tables, path, strlen(path)) != NULL;
	if (!known && l->nfiles == LOADER_FILES_MAX)
		return ERR_LIMIT;
	int err = l->io->read(l->io->ctx, path, out);
	if (err == 0 && !known) {
		l->files[l->nfiles++] = path;
		map_put(&l->tables, path, strlen(path), (void *)(uintptr_t)path);
	}
	return err;
}

/* The site file itself cannot be had: one finding, without a place in it. */
static int
unreadable(struct loader *l, int err)
{
	site_error(&l->f, "unreadable", (struct place){ l->file, 0, 0 }, "the site file cannot be read: %s",
	    err == ERR_TYPE ? "it is no regular file" : err_text(err));
	site_remedy(&l->f, err == ERR_NOTFOUND ? "check the path" : err == ERR_TYPE ? "name the site file itself" :
	    err == ERR_DENIED ?
	    "let the user who runs this read it" :
	    err == ERR_LIMIT ? "a file of a site is at most 64 MiB; move tags into CSV tables" :
	    "check the disk, then try again");
	return err;
}

static void
loader_fini(struct loader *l)
{
	findings_finish(&l->f);
	strings_fini(&l->strings);
	for (size_t i = 0; i < SECTIONS; i++)
		map_fini(&l->rows[i]);
	map_fini(&l->paths);
	map_fini(&l->units);
	map_fini(&l->tables);
	free(l->tags);
	free(l->places);
	arena_fini(&l->scratch);
}

int
site_load_from(const struct site_io *io, const char *path, const struct catalog *catalog, struct plan **out,
    struct site_report *report)
{
	struct loader l = { .catalog = catalog, .io = io };
	struct buf text = { .max = SITE_FILE_MAX + (1u << 20) };
	struct node *root = NULL;

	*out = NULL;
	findings_init(&l.f, report);
	l.plan = plan_new();
	l.strings.arena = &l.plan->arena;
	l.files = arena_array(&l.plan->arena, LOADER_FILES_MAX + 1, sizeof *l.files);
	l.file = strings_keep(&l.strings, path, strlen(path));
	l.plan->folder = folder_of(&l, l.file);
	l.env = (struct parse_env){ .strings = &l.strings, .folder = l.plan->folder, .units = &l.units,
	    .decimal = '.' };
	int err = loader_read(&l, l.file, &text);
	if (err != 0) {
		err = unreadable(&l, err);
	} else {
		err = node_parse(buf_text(&text), text.len, l.file, &l.scratch, &l.f, &root);
		l.root = root;
		if (err == 0 && root == NULL) {
			site_error(&l.f, "missing-section", (struct place){ l.file, 1, 1 }, "the site file is empty");
			site_remedy(&l.f, "start with the sections site and zones; `penstock keys` explains them");
		}
		load_sections(&l);
		err = report->errors > 0 ? ERR_SYNTAX : 0;
	}
	if (err == 0) {
		plan_compile(&l);
		*out = l.plan;
		l.plan = NULL;
	}
	buf_fini(&text);
	loader_fini(&l);
	plan_free(l.plan);
	return err;
}

int
site_load(const char *path, const struct catalog *catalog, struct plan **out, struct site_report *report)
{
	return site_load_from(&site_io_disk, path, catalog, out, report);
}
