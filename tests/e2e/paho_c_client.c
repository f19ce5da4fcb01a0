/* One end-to-end case with Paho's synchronous C client. Usage: paho_c_client VERSION CASE PORT PREFIX [CA_FILE]
 * VERSION is 3.1, 3.1.1 or 5; PORT may be a whole address, as ws://127.0.0.1:8083; PREFIX is used for topics and client
 * ids; with CA_FILE it speaks TLS. Prints "ok" and exits 0, or says what was wrong. */
#include <MQTTClient.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { wait_ms = 20000, large_bytes = 200000 };

static int version; /* MQTTVERSION_... */
static char address[64];
static const char* prefix;
static const char* ca_file; /* NULL: no TLS */

static void fail(const char* what, int code) {
    fprintf(stderr, "%s (%d)\n", what, code);
    exit(1);
}

static void check(int claim, const char* what) {
    if (!claim) fail(what, 0);
}

static char* name(const char* suffix) {
    static char names[4][128];
    static unsigned next;
    char* place = names[next++ % 4];
    snprintf(place, sizeof names[0], "%s%s", prefix, suffix);
    return place;
}

static MQTTClient create(const char* suffix) {
    MQTTClient client;
    MQTTClient_createOptions options = MQTTClient_createOptions_initializer;
    options.MQTTVersion = version;
    int code =
        MQTTClient_createWithOptions(&client, address, name(suffix), MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
    if (code != MQTTCLIENT_SUCCESS) fail("create", code);
    return client;
}

/* Connects; returns whether the broker had a session. */
static int connect_client(MQTTClient client, int clean) {
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    MQTTClient_connectOptions options5 = MQTTClient_connectOptions_initializer5;
    MQTTClient_SSLOptions tls = MQTTClient_SSLOptions_initializer;
    tls.trustStore = ca_file;
    tls.verify = 1;
    options.ssl = options5.ssl = ca_file != NULL ? &tls : NULL;
    if (version != MQTTVERSION_5) {
        options.cleansession = clean;
        options.MQTTVersion = version;
        int code = MQTTClient_connect(client, &options);
        if (code != MQTTCLIENT_SUCCESS) fail("connect", code);
        return options.returned.sessionPresent;
    }
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperty expiry;
    expiry.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL;
    expiry.value.integer4 = clean ? 0 : 600;
    MQTTProperties_add(&properties, &expiry);
    options5.cleanstart = clean;
    MQTTResponse response = MQTTClient_connect5(client, &options5, &properties, NULL);
    if (response.reasonCode != MQTTREASONCODE_SUCCESS) fail("connect", (int)response.reasonCode);
    MQTTResponse_free(response);
    MQTTProperties_free(&properties);
    return options5.returned.sessionPresent;
}

static MQTTClient connected(const char* suffix) {
    MQTTClient client = create(suffix);
    connect_client(client, 1);
    return client;
}

static void leave(MQTTClient client) {
    int code = version == MQTTVERSION_5 ? MQTTClient_disconnect5(client, 1000, MQTTREASONCODE_SUCCESS, NULL)
                                        : MQTTClient_disconnect(client, 1000);
    if (code != MQTTCLIENT_SUCCESS) fail("disconnect", code);
}

static void subscribe(MQTTClient client, const char* topic, int qos) {
    if (version != MQTTVERSION_5) {
        int code = MQTTClient_subscribe(client, topic, qos);
        if (code != MQTTCLIENT_SUCCESS) fail("subscribe", code);
        return;
    }
    MQTTResponse response = MQTTClient_subscribe5(client, topic, qos, NULL, NULL);
    if ((int)response.reasonCode != qos) fail("subscribe", (int)response.reasonCode);
    MQTTResponse_free(response);
}

static void publish(MQTTClient client, const char* topic, const void* payload, int size, int qos, int retained,
                    MQTTProperties* properties) {
    MQTTClient_message message = MQTTClient_message_initializer;
    MQTTClient_deliveryToken token = 0;
    message.payload = (void*)(size_t)payload;
    message.payloadlen = size;
    message.qos = qos;
    message.retained = retained;
    int code = 0;
    if (version == MQTTVERSION_5) {
        if (properties != NULL) message.properties = *properties;
        MQTTResponse response = MQTTClient_publishMessage5(client, topic, &message, &token);
        code = (int)response.reasonCode;
        MQTTResponse_free(response);
    } else {
        code = MQTTClient_publishMessage(client, topic, &message, &token);
    }
    if (code != MQTTCLIENT_SUCCESS) fail("publish", code);
    code = MQTTClient_waitForCompletion(client, token, wait_ms);
    if (code != MQTTCLIENT_SUCCESS) fail("completion", code);
}

/* The next message; the caller frees it. */
static MQTTClient_message* receive(MQTTClient client, const char* expected_topic) {
    MQTTClient_message* message = NULL;
    char* topic = NULL;
    int length = 0;
    int code = MQTTClient_receive(client, &topic, &length, &message, wait_ms);
    if (code != MQTTCLIENT_SUCCESS || message == NULL) fail("nothing received", code);
    check(strcmp(topic, expected_topic) == 0, "another topic");
    MQTTClient_free(topic);
    return message;
}

static void expect(MQTTClient client, const char* topic, const char* payload, int qos, int retained) {
    MQTTClient_message* message = receive(client, topic);
    check(message->payloadlen == (int)strlen(payload), "another payload length");
    check(memcmp(message->payload, payload, strlen(payload)) == 0, "another payload");
    check(message->qos == qos, "another QoS");
    check(message->retained == retained, "another retain flag");
    MQTTClient_freeMessage(&message);
}

static void run_qos(int qos) {
    MQTTClient client = connected("");
    const char* topic = name("/t");
    subscribe(client, topic, qos);
    for (int i = 0; i < 20; ++i) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        publish(client, topic, text, (int)strlen(text), qos, 0, NULL);
        expect(client, topic, text, qos, 0);
    }
    leave(client);
}

static void run_retained(void) {
    MQTTClient client = connected("");
    const char* topic = name("/t");
    publish(client, topic, "kept", 4, 1, 1, NULL);
    subscribe(client, topic, 1);
    expect(client, topic, "kept", 1, 1);
    publish(client, topic, "", 0, 1, 1, NULL);
    expect(client, topic, "", 1, 0);
    leave(client);
}

/* Retained messages come in one burst behind SUBACK. */
static void run_retained_burst(void) {
    enum { count = 20 };
    MQTTClient client = connected("");
    char topic[160];
    for (int i = 0; i < count; ++i) {
        snprintf(topic, sizeof topic, "%s/r/%d", prefix, i);
        publish(client, topic, "kept", 4, 1, 1, NULL);
    }
    subscribe(client, name("/r/+"), 0);
    for (int i = 0; i < count; ++i) {
        snprintf(topic, sizeof topic, "%s/r/%d", prefix, i);
        expect(client, topic, "kept", 0, 1);
    }
    leave(client);
}

static void run_persistent(void) {
    MQTTClient keeper = create("k");
    MQTTClient sender = connected("s");
    const char* topic = name("/t");
    check(connect_client(keeper, 0) == 0, "a session before the first connect");
    subscribe(keeper, topic, 2);
    leave(keeper);
    for (int i = 0; i < 5; ++i) publish(sender, topic, "later", 5, 1 + i % 2, 0, NULL);
    const int is_present = connect_client(keeper, 0);
    check(is_present || version != MQTTVERSION_3_1_1, "no session present"); /* this client reports it for 3.1.1 only */
    int qos_sum = 0;
    for (int i = 0; i < 5; ++i) {
        MQTTClient_message* message = receive(keeper, topic);
        qos_sum += message->qos;
        MQTTClient_freeMessage(&message);
    }
    check(qos_sum == 7, "another QoS");
    leave(keeper);
    leave(sender);
}

static void run_large(void) {
    char* payload = malloc(large_bytes);
    check(payload != NULL, "no memory");
    for (int i = 0; i < large_bytes; ++i) payload[i] = (char)(i * 7);
    MQTTClient client = connected("");
    const char* topic = name("/t");
    subscribe(client, topic, 2);
    publish(client, topic, payload, large_bytes, 2, 0, NULL);
    MQTTClient_message* message = receive(client, topic);
    check(message->payloadlen == large_bytes && memcmp(message->payload, payload, large_bytes) == 0, "payload changed");
    MQTTClient_freeMessage(&message);
    free(payload);
    leave(client);
}

static void run_takeover(void) {
    MQTTClient first = connected("");
    MQTTClient second = connected("");
    MQTTClient_message* message = NULL;
    char* topic = NULL;
    int length = 0;
    for (int i = 0; i < 200 && MQTTClient_isConnected(first); ++i) {
        MQTTClient_receive(first, &topic, &length, &message, 100);
    }
    check(!MQTTClient_isConnected(first), "the first client is still connected");
    check(MQTTClient_isConnected(second), "the second client is not connected");
    leave(second);
}

static void run_properties(void) {
    MQTTClient client = connected("");
    const char* topic = name("/t");
    subscribe(client, topic, 1);
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperty response = {0};
    response.identifier = MQTTPROPERTY_CODE_RESPONSE_TOPIC;
    response.value.data.data = (char*)(size_t) "answers";
    response.value.data.len = 7;
    MQTTProperties_add(&properties, &response);
    MQTTProperty correlation = {0};
    correlation.identifier = MQTTPROPERTY_CODE_CORRELATION_DATA;
    correlation.value.data.data = (char*)(size_t) "\0\1\2";
    correlation.value.data.len = 3;
    MQTTProperties_add(&properties, &correlation);
    publish(client, topic, "ask", 3, 1, 0, &properties);
    MQTTClient_message* message = receive(client, topic);
    MQTTProperty* answer = MQTTProperties_getProperty(&message->properties, MQTTPROPERTY_CODE_RESPONSE_TOPIC);
    MQTTProperty* data = MQTTProperties_getProperty(&message->properties, MQTTPROPERTY_CODE_CORRELATION_DATA);
    check(answer != NULL && answer->value.data.len == 7 && memcmp(answer->value.data.data, "answers", 7) == 0,
          "response topic");
    check(data != NULL && data->value.data.len == 3 && memcmp(data->value.data.data, "\0\1\2", 3) == 0,
          "correlation data");
    MQTTClient_freeMessage(&message);
    MQTTProperties_free(&properties);
    leave(client);
}

static int run(const char* which) {
    if (strcmp(which, "qos0") == 0)
        run_qos(0);
    else if (strcmp(which, "qos1") == 0)
        run_qos(1);
    else if (strcmp(which, "qos2") == 0)
        run_qos(2);
    else if (strcmp(which, "retained") == 0)
        run_retained();
    else if (strcmp(which, "retained_burst") == 0)
        run_retained_burst();
    else if (strcmp(which, "persistent") == 0)
        run_persistent();
    else if (strcmp(which, "large") == 0)
        run_large();
    else if (strcmp(which, "takeover") == 0)
        run_takeover();
    else if (strcmp(which, "properties") == 0)
        run_properties();
    else
        return 2;
    printf("ok\n");
    return 0;
}

int main(int argc, char** argv) {
    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: paho_c_client VERSION CASE PORT PREFIX [CA_FILE]\n");
        return 2;
    }
    version = strcmp(argv[1], "5") == 0     ? MQTTVERSION_5
              : strcmp(argv[1], "3.1") == 0 ? MQTTVERSION_3_1
                                            : MQTTVERSION_3_1_1;
    prefix = argv[4];
    ca_file = argc == 6 ? argv[5] : NULL;
    if (strstr(argv[3], "://") != NULL)
        snprintf(address, sizeof address, "%s", argv[3]);
    else
        snprintf(address, sizeof address, "%s:%s", ca_file != NULL ? "ssl://localhost" : "tcp://127.0.0.1", argv[3]);
    return run(argv[2]);
}
