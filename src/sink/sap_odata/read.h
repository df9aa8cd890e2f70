/*
 * Reading from SAP as data: which rows, how only the changed ones, and which property gives which tag. The sink asks
 * (read_path), hands each answer in (read_rows) and gets rows of values by the names of tags; what equipment they
 * belong to is the sink's matter.
 */
#ifndef SINK_SAP_ODATA_READ_H
#define SINK_SAP_ODATA_READ_H

#include "base/buf.h"
#include "sink/sap_odata/map.h"

#define READ_TAGS_MAX	64u
#define READ_ROWS_MAX	10000u		/* of one answer */
#define READ_MARK_MAX	40u
#define READ_NEXT_MAX	4096u

struct read_tag {
	const char	*name;		/* of the tag: "order", "planned-quantity" */
	const char	*prop;		/* whence */
	enum edm_type	 type;
	bool		 required;	/* a row without it is of no use */
	bool		 strip;		/* zeros before a number are taken off: "000001000123" is 1000123 */
	bool		 unit;		/* the property holds a unit */
};

struct reading {
	const char		*key;		/* tag that tells rows apart: "order" */
	const char		*delta;		/* property of change: LastChangeDateTime; NULL: none, all is read each time */
	const struct read_tag	*tags;
	uint32_t		 ntags;
	const struct read_where	*where;		/* map_int.h */
	uint32_t		 nwhere;
	enum edm_type		 delta_type;	/* EDM_STRING: YYYYMMDDhhmmss */
	uint32_t		 top;		/* rows of one answer asked for */
};

/*
 * Append the path of the first page below the service root: set, $select, $filter, $orderby, $top. mark: the delta
 * marker of the last row seen, NULL or "" for all. A mark is asked for with "ge", since two rows may change within one
 * second: rows seen are seen again. 0; ERR_NOTFOUND with why when a setting that the filter needs is not given.
 */
int read_path(const struct mapping *m, const struct message_env *env, const char *mark, struct buf *out, char *why,
    size_t size);

struct read_row {
	const struct mapping	*m;
	const struct edm_value	*v;		/* one a tag of m->reading, in that order; null where SAP gave nothing */
};

struct read_page {
	size_t	rows, bad;			/* bad: rows that were passed over, see why */
	char	mark[READ_MARK_MAX];		/* newest marker in it; "" if none */
	char	next[READ_NEXT_MAX];		/* the server's own link to the next page; "": this was the last */
	char	why[256];		/* of the first bad row */
};

/* Take an answer apart: row(arg, row) for each, borrowed during the call. 0, ERR_SYNTAX or ERR_LIMIT with page->why. */
int read_rows(const struct mapping *m, const char *answer, size_t len,
    void (*row)(void *arg, const struct read_row *r), void *arg,
    struct read_page *page);

#endif
