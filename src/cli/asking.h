/* What read, why and trace have in common: options, one request per argument, answers of one JSON object a line. */
#ifndef CLI_ASKING_H
#define CLI_ASKING_H

#include <jansson.h>
#include <stdbool.h>

struct asking {
	const char	*verb;		/* as the running penstock knows it */
	const char	*usage;		/* "usage: penstock read TAG... [--json] [--state DIR]\n..." */
	int		 max_args;	/* 0: any number */
	int		 patience_s;	/* how long an answer may take to come on; 0: without end */
	void		(*show)(const json_t *answer);	/* one answer that is no error, for people */
	bool		(*bad)(const json_t *answer);	/* such an answer counts as a finding; NULL: none does */
};

/* The whole command. EXIT_OK, EXIT_FINDINGS when something was refused or bad, EXIT_CANNOT. */
int asking_main(const struct asking *a, int argc, char **argv);

/* A member as text, "" when it is missing or none. */
const char *asking_text(const json_t *o, const char *key);
/* A value on one line: texts as they are (control bytes escaped), all else as JSON. */
void asking_print_value(const json_t *v);

#endif
