/* The library's configuration: limits, certificates and policies, and our own parts put in its place. See uas.h. */
#include <open62541/plugin/nodestore_default.h>
#include <open62541/server_config_default.h>
#include <stdio.h>

#include "sink/opcua_server/uas.h"

static void
set_limits(UA_ServerConfig *c, const struct uas_cfg *cfg)
{
	c->tcpBufSize = UAS_CHUNK_BYTES;
	c->tcpMaxMsgSize = UAS_MESSAGE_MAX;
	c->tcpMaxChunks = UAS_CHUNKS_MAX;
	c->maxSecureChannels = (UA_UInt16)(cfg->sessions + cfg->sessions / 4 + 20);
	c->maxSessions = (UA_UInt16)cfg->sessions;
	c->maxSessionTimeout = 3600e3;
	c->maxNodesPerRead = UAS_READ_MAX;
	c->maxNodesPerWrite = UAS_WRITE_MAX;
	c->maxNodesPerMethodCall = 100;
	c->maxNodesPerBrowse = UAS_BROWSE_MAX;
	c->maxNodesPerRegisterNodes = UAS_REGISTER_MAX;
	c->maxNodesPerTranslateBrowsePathsToNodeIds = UAS_TRANSLATE_MAX;
	c->maxNodesPerNodeManagement = 1;
	c->maxMonitoredItemsPerCall = UAS_ITEMS_CALL_MAX;
	c->maxReferencesPerNode = UAS_REFERENCES_MAX;
	c->maxSubscriptions = cfg->subscriptions;
	c->maxSubscriptionsPerSession = UAS_SUBS_SESSION_MAX;
	c->publishingIntervalLimits = (UA_DurationRange){ 20.0, 3600e3 };
	c->lifeTimeCountLimits = (UA_UInt32Range){ 3, 15000 };
	c->keepAliveCountLimits = (UA_UInt32Range){ 1, 1000 };
	c->maxNotificationsPerPublish = UAS_NOTIFY_MAX;
	c->maxRetransmissionQueueSize = UAS_RETRANSMIT_MAX;
	c->maxMonitoredItems = cfg->items;
	c->maxMonitoredItemsPerSubscription = UAS_ITEMS_SUB_MAX;
	/*
	 * An interval of 0 and nothing else: each sample that comes is given to each monitored item, whatever interval the client asked for (OPC
	 * 10000-4, 7.21: the server revises it). Sampling at intervals would miss what comes in between.
	 */
	c->samplingIntervalLimits = (UA_DurationRange){ 0.0, 0.0 };
	c->queueSizeLimits = (UA_UInt32Range){ 1, UAS_QUEUE_MAX };
	c->maxPublishReqPerSession = UAS_PUBLISH_MAX;
	c->maxReturnDataValues = UAS_HISTORY_VALUES_MAX;
}

static UA_StatusCode
add_security(UA_ServerConfig *c, const struct uas_cfg *cfg, const struct pki_own *own)
{
	UA_ByteString cert = { .length = own->cert_len, .data = own->cert };	/* alone: the library takes its thumbprint */
	UA_ByteString key = { .length = own->key_len, .data = own->key };
	static const struct {
		UA_StatusCode	(*add)(UA_ServerConfig *, const UA_ByteString *, const UA_ByteString *);
		const char	*uri;
	} policies[] = {
		[UAS_POLICY_B256] = { UA_ServerConfig_addSecurityPolicyBasic256Sha256, "http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256" },
		[UAS_POLICY_A128] = { UA_ServerConfig_addSecurityPolicyAes128Sha256RsaOaep, "http://opcfoundation.org/UA/SecurityPolicy#Aes128_Sha256_RsaOaep" },
		[UAS_POLICY_A256] = { UA_ServerConfig_addSecurityPolicyAes256Sha256RsaPss, "http://opcfoundation.org/UA/SecurityPolicy#Aes256_Sha256_RsaPss" },
	};
	const UA_String none = UA_STRING("http://opcfoundation.org/UA/SecurityPolicy#None");
	UA_StatusCode err = UA_ServerConfig_addSecurityPolicyNone(c, &cert);	/* GetEndpoints is asked without security */

	c->securityPolicyNoneDiscoveryOnly = (cfg->security & 1u << UAS_SEC_NONE) == 0;
	if (cfg->security & 1u << UAS_SEC_NONE && err == UA_STATUSCODE_GOOD)
		err = UA_ServerConfig_addEndpoint(c, none, UA_MESSAGESECURITYMODE_NONE);
	for (size_t i = 0; i < sizeof policies / sizeof policies[0] && err == UA_STATUSCODE_GOOD; i++) {
		UA_String uri = UA_STRING((char *)(uintptr_t)policies[i].uri);
		if (!(cfg->policies & 1u << i))
			continue;
		err = policies[i].add(c, &cert, &key);
		if (err == UA_STATUSCODE_GOOD && cfg->security & 1u << UAS_SEC_SIGN)
			err = UA_ServerConfig_addEndpoint(c, uri, UA_MESSAGESECURITYMODE_SIGN);
		if (err == UA_STATUSCODE_GOOD && cfg->security & 1u << UAS_SEC_ENCRYPT)
			err = UA_ServerConfig_addEndpoint(c, uri, UA_MESSAGESECURITYMODE_SIGNANDENCRYPT);
	}
	return err;
}

static void
replace(UA_String *at, const char *text)
{
	UA_String_clear(at);
	*at = UA_String_fromChars(text);
}

static UA_StatusCode
describe(UA_ServerConfig *c, const struct uas_cfg *cfg, const struct pki_own *own)
{
	char url[320];

	snprintf(url, sizeof url, strchr(cfg->host, ':') != NULL ? "opc.tcp://[%s]:%u" : "opc.tcp://%s:%u", cfg->host, cfg->port);
	replace(&c->applicationDescription.applicationUri, own->uri);
	replace(&c->applicationDescription.productUri, "urn:penstock");
	UA_LocalizedText_clear(&c->applicationDescription.applicationName);
	c->applicationDescription.applicationName = UA_LOCALIZEDTEXT_ALLOC("", "Penstock");
	replace(&c->buildInfo.productUri, "urn:penstock");
	replace(&c->buildInfo.manufacturerName, "Penstock");
	replace(&c->buildInfo.productName, "Penstock");
	replace(&c->buildInfo.softwareVersion, PENSTOCK_VERSION);
	replace(&c->buildInfo.buildNumber, PENSTOCK_VERSION);
	if (c->serverUrlsSize != 1)
		return UA_STATUSCODE_BADINTERNALERROR;
	replace(&c->serverUrls[0], url);
	return UA_STATUSCODE_GOOD;
}

/* The root under Objects. The library's own way would want to write the reference into our node too, where it stands already. */
UA_StatusCode
uas_hang_root(struct uas_server *s)
{
	UA_NodeId objects = UA_NODEID_NUMERIC(0, UA_NS0ID_OBJECTSFOLDER);
	UA_ExpandedNodeId root = { .nodeId = s->space.root.node.id };
	UA_QualifiedName name = { .namespaceIndex = s->space.ns, .name = UA_STRING((char *)(uintptr_t)s->space.root_name) };
	const UA_Node *n = s->space.inner.getNode(s->space.inner.context, &objects, UA_NODEATTRIBUTESMASK_ALL, UA_REFERENCETYPESET_ALL,
	    UA_BROWSEDIRECTION_BOTH);

	if (n == NULL)
		return UA_STATUSCODE_BADINTERNALERROR;
	UA_StatusCode err = UA_Node_addReference((UA_Node *)(uintptr_t)n, UA_REFERENCETYPEINDEX_ORGANIZES, true, &root, UA_QualifiedName_hash(&name));
	s->space.inner.releaseNode(s->space.inner.context, n);
	return err;
}

static UA_StatusCode
add_loop(struct uas_server *s, UA_ServerConfig *c)
{
	UA_ConnectionManager *tcp;

	c->eventLoop = UA_EventLoop_new_POSIX(&s->logger);
	tcp = c->eventLoop != NULL ? UA_ConnectionManager_new_POSIX_TCP(UA_STRING("tcp")) : NULL;
	if (tcp == NULL)
		return UA_STATUSCODE_BADOUTOFMEMORY;
	s->out = uas_out_new(tcp);
	return c->eventLoop->registerEventSource(c->eventLoop, &tcp->eventSource);
}

UA_StatusCode
uas_configure(struct uas_server *s, UA_ServerConfig *c)
{
	const struct pki_own *own = uas_trust_own(s->trust);
	UA_StatusCode err;

	c->logging = &s->logger;
	UA_Nodestore_HashMap(&c->nodestore);
	uas_nodestore(&s->space, &c->nodestore);
	if ((err = add_loop(s, c)) != UA_STATUSCODE_GOOD || (err = UA_ServerConfig_setBasics_withPort(c, s->cfg->port)) != UA_STATUSCODE_GOOD ||
	    (err = describe(c, s->cfg, own)) != UA_STATUSCODE_GOOD)
		return err;
	set_limits(c, s->cfg);
	uas_trust_install(s->trust, &c->secureChannelPKI);
	uas_trust_install(s->trust, &c->sessionPKI);
	c->context = s;
	uas_access_install(s->access, c);
	if (s->history != NULL)
		uas_history_install(s->history, s, c);
	return add_security(c, s->cfg, own);
}
