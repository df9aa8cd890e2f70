/*
 * Topic templates. Text with placeholders in braces; what a placeholder stands for is cleaned so that it can neither add nor
 * remove levels nor become a wildcard: '+', '#', control bytes and NUL become '_', and '/' too where it does not part names of
 * the equipment path. A level that would be empty becomes "_", a leading '$' (reserved, MQTT 5.0, 4.7.2) "_".
 *
 *	{enterprise} {site} {country}	of the site file
 *	{flow}				name of the flow
 *	{source}			name of the tag's source
 *	{path}				whole path of the tag, "Packaging/Line 3/Filler/speed"
 *	{equipment}			the path without the tag, "Packaging/Line 3/Filler"
 *	{area}				its first name, "Packaging"
 *	{tag}				its last name, "speed"
 */
#ifndef SINK_MQTT_TOPIC_H
#define SINK_MQTT_TOPIC_H

#include <stdbool.h>

#include "base/buf.h"

#define TOPIC_TEMPLATE_MAX	1024u

struct topic_parts {
	const char	*enterprise, *site, *country, *flow, *source, *path;	/* NULL: "" */
};

/* 0, or negative with cause and remedy in why. */
int topic_check(const char *template, char *why, size_t size);
/* Append a topic. 0; ERR_LIMIT when it is longer than MQTT_TOPIC_MAX; ERR_SYNTAX for a template that topic_check() refuses. */
int topic_make(const char *template, const struct topic_parts *p, struct buf *out);

#endif
