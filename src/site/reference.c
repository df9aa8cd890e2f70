/* See reference.h: the reference page. Two ways to print a key, one walk over all tables. */
#include "site/reference.h"

#include <stdio.h>
#include <string.h>

#include "site/enums.h"
#include "site/parse.h"
#include "site/sections.h"

struct page {
	struct buf	*out;
	bool		 markdown;
};

/* "a duration, 10 ms to 1 d, or on-demand" */
static void
describe_type(const struct key *k, struct buf *out)
{
	char limits[96];

	if (k->type == KEY_ENUM || k->type == KEY_CHOICES) {
		buf_puts(out, k->type == KEY_CHOICES ? "some of" : "one of");
		for (size_t i = 0; k->choices[i] != NULL; i++)
			buf_printf(out, "%s %s", i ? "," : "", k->choices[i]);
		return;
	}
	buf_puts(out, key_type_name(k->type));
	key_limits(k, limits, sizeof limits);
	if (limits[0] != '\0')
		buf_printf(out, ", %s", limits);
	if (k->unit != NULL)
		buf_printf(out, " %s", k->unit);
	for (size_t i = 0; k->choices != NULL && k->choices[i] != NULL; i++)
		buf_printf(out, ", or %s", k->choices[i]);
}

static void
describe_default(const struct key *k, struct buf *out)
{
	if (k->required)
		buf_puts(out, "required");
	else if (k->def != NULL)
		buf_puts(out, k->def);
	else
		buf_puts(out, "-");
}

/* Text wrapped at 96 columns behind a margin. */
static void
wrap(struct buf *out, const char *s, const char *margin)
{
	size_t column = 0;

	/* Ends: every round takes a word. */
	while (*s != '\0') {
		size_t n = strcspn(s, " ");
		if (column == 0 || column + 1 + n > 84) {
			buf_printf(out, "%s%s%.*s", column ? "\n" : "", margin, (int)n, s);
			column = n;
		} else {
			buf_printf(out, " %.*s", (int)n, s);
			column += 1 + n;
		}
		s += n;
		s += *s == ' ';
	}
	buf_putc(out, '\n');
}

static void
print_key(struct page *p, const struct key *k)
{
	struct buf type = { 0 }, def = { 0 };
	describe_type(k, &type);
	describe_default(k, &def);
	if (p->markdown) {
		buf_printf(p->out, "| `%s` | %s | %s | %s |\n", k->name, buf_text(&type), buf_text(&def), k->help ?
		    k->help : "");
	} else {
		buf_printf(p->out, "  %-18s %s", k->name, buf_text(&type));
		if (k->required)
			buf_puts(p->out, "; required");
		else if (k->def != NULL)
			buf_printf(p->out, "; default %s", k->def);
		buf_putc(p->out, '\n');
		wrap(p->out, k->help ? k->help : "", "                     ");
	}
	buf_fini(&type);
	buf_fini(&def);
}

static void
print_table(struct page *p, const struct key *keys)
{
	if (keys == NULL || keys[0].name == NULL)
		return;
	if (p->markdown)
		buf_puts(p->out, "| key | value | default | meaning |\n| --- | --- | --- | --- |\n");
	for (const struct key *k = keys; k->name != NULL; k++)
		print_key(p, k);
	buf_putc(p->out, '\n');
}

static void
heading(struct page *p, int level, const char *title, const char *help)
{
	if (p->markdown)
		buf_printf(p->out, "%.*s %s\n\n%s\n\n", level, "####", title, help);
	else {
		buf_printf(p->out, "%s\n", title);
		wrap(p->out, help, "  ");
		buf_putc(p->out, '\n');
	}
}

/* "form: meaning" */
static void
print_at_forms(struct page *p, const char *const *forms)
{
	if (forms == NULL)
		return;
	buf_puts(p->out, p->markdown ? "Addresses, for `at` of a tag:\n\n| at | meaning |\n| --- | --- |\n" :
	    "  Addresses, for `at` of a tag:\n");
	for (; *forms != NULL; forms++) {
		const char *colon = strstr(*forms, ": ");	/* one without a blank belongs to the form: a URI */
		size_t n = colon != NULL ? (size_t)(colon - *forms) : strlen(*forms);
		const char *meaning = colon != NULL ? colon + 1 : "";
		buf_printf(p->out, p->markdown ? "| `%.*s` |%s |\n" : "    %.*s\n       %s\n", (int)n, *forms, meaning);
	}
	buf_putc(p->out, '\n');
}

static void
print_section(struct page *p, const struct section *s, const struct catalog *c)
{
	char title[120];

	heading(p, 2, s->name, s->help);
	if (s != &sections[SECTION_TABLES])
		print_table(p, s->keys);
	if (s == &sections[SECTION_SOURCES])
		for (size_t i = 0; c->drivers[i] != NULL; i++) {
			snprintf(title, sizeof title, "sources with driver: %s", c->drivers[i]->name);
			heading(p, 3, title, c->drivers[i]->help);
			print_table(p, c->drivers[i]->keys);
			print_at_forms(p, c->drivers[i]->at_forms);
		}
	if (s == &sections[SECTION_SINKS])
		for (size_t i = 0; c->sinks[i] != NULL; i++) {
			snprintf(title, sizeof title, "sinks of kind: %s", c->sinks[i]->name);
			heading(p, 3, title, c->sinks[i]->help);
			print_table(p, c->sinks[i]->keys);
		}
	if (s == &sections[SECTION_TYPES]) {
		heading(p, 3, "a tag",
		    "One point of a source: below `tags` of a type or of equipment, or a row of a table.");
		print_table(p, tag_keys);
	}
	if (s == &sections[SECTION_TABLES]) {
		heading(p, 3, "columns of a table",
		    "The keys of a tag, and these, which say where it belongs. Each row needs path, or name "
		    "(with equipment in a table of the section tables).");
		print_table(p, column_keys);
	}
	if (s == &sections[SECTION_EVENTS]) {
		heading(p, 3, "a field of an event",
		    "Below `fields` of an event: one of tag, expr, count and value, and its rules.");
		print_table(p, event_field_keys);
	}
	if (s == &sections[SECTION_FLOWS]) {
		heading(p, 3, "how", "Below `how` of a flow.");
		print_table(p, how_keys);
	}
}

static void
print_forms(struct page *p)
{
	heading(p, 2, "values", "How the kinds of values are written.");
	if (p->markdown)
		buf_puts(p->out, "| value | is written as |\n| --- | --- |\n");
	for (int t = 0; t < KEY_TYPES; t++)
		buf_printf(p->out, p->markdown ? "| %s | %s |\n" : "  %-18s %s\n", key_type_name((enum key_type)t),
		    key_type_form((enum key_type)t));
	buf_putc(p->out, '\n');
}

static void
print_enums(struct page *p)
{
	heading(p, 2, "built-in enumerations", "For `enum` of a tag, beside those of the section enums.");
	for (size_t i = 0; enums_built_in[i] != NULL; i++) {
		const struct enum_def *e = enums_built_in[i];
		buf_printf(p->out, p->markdown ? "- `%s`:" : "  %-18s", e->name);
		for (uint32_t k = 0; k < e->n; k++)
			buf_printf(p->out, "%s %lld %s", k ? "," : "", (long long)e->items[k].value, e->items[k].text);
		buf_putc(p->out, '\n');
	}
}

void
reference_print(const struct catalog *c, bool markdown, struct buf *out)
{
	struct page p = { out, markdown };

	if (markdown)
		buf_puts(out,
		    "# Keys of the site file\n\nMade by `penstock keys --markdown` from the tables that the program "
		    "reads.\n\n");
	for (size_t i = 0; i < SECTIONS; i++)
		print_section(&p, &sections[i], c);
	print_forms(&p);
	print_enums(&p);
}
