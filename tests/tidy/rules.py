"""The tables of the house rules. A change here is a change of the design and wants a reason in the commit."""

# Modules from left to right and what each may include. The core is base ... broker: no I/O, no clock, no threads.
CORE = ['base', 'wire', 'topic', 'auth', 'journal', 'session', 'broker']
# No hidden input in the last four either, though the core does not include them.
PURE = CORE + ['client', 'bridge', 'lines', 'mqttsn']
MAY_INCLUDE = {
    'base': [],
    'wire': ['base'],
    'client': ['base', 'wire'],
    'topic': ['base', 'wire'],
    'auth': ['base', 'wire', 'topic'],
    'journal': ['base', 'wire', 'topic', 'auth'],
    'session': ['base', 'wire', 'topic', 'auth', 'journal'],
    'broker': ['base', 'wire', 'topic', 'auth', 'journal', 'session'],
    'os': ['base'],
    'storage': CORE + ['os'],
    'net': ['base', 'os'],
    'transport': CORE + ['os', 'storage', 'net'],
    'runtime': CORE + ['os', 'storage', 'net', 'transport'],
    'bridge': ['base', 'wire', 'topic', 'client'],
    'uplink': ['base', 'wire', 'client', 'broker', 'os', 'net', 'transport', 'runtime', 'bridge'],
    # A client of the core in the same process, for parts of the program that are clients by themselves.
    'inner': ['base', 'wire', 'client', 'broker', 'transport'],
    'lines': ['base', 'wire', 'topic', 'client'],
    # The server of firmware images: such a client, with files.
    'ota': ['base', 'wire', 'auth', 'session', 'broker', 'client', 'os', 'transport', 'runtime', 'inner'],
    # Of auth, mqttsn uses SHA-256 and HMAC for the envelopes of devices, so that the project has them once.
    'mqttsn': ['base', 'wire', 'topic', 'auth', 'client'],
    'link': ['base', 'broker', 'os', 'net', 'transport', 'runtime', 'inner', 'lines', 'mqttsn'],
    'admin': CORE + ['os', 'storage', 'net', 'transport', 'runtime', 'bridge', 'uplink', 'mqttsn', 'link',
              'ota'],
    # What the commands do that are clients: of a broker by MQTT (pub, sub, bridge test), and of its API (ctl).
    'cli': ['base', 'wire', 'topic', 'client', 'os', 'net', 'runtime', 'bridge', 'uplink'],
    # config fills the plain option structs of the core's modules, of bridge and of cli. It calls nothing of theirs,
    # except the rules of filters in topic, and of routes and kinds of upstreams in bridge; os reads the files.
    'config': ['base', 'topic', 'auth', 'journal', 'session', 'broker', 'os', 'bridge', 'lines', 'mqttsn', 'ota',
               'cli'],
    # daemon uses the client for `bridge test`: one connection to an upstream, as a bridge would make it.
    'daemon': CORE + ['client', 'os', 'storage', 'net', 'transport', 'runtime', 'bridge', 'uplink', 'mqttsn', 'link',
               'ota', 'admin', 'cli', 'config'],
    'demo': ['base', 'wire', 'client', 'os', 'net'],
}

# What unit tests of a module may include beyond that. What the core does with a store is tried with the one that
# storage makes for tests: a second such store would have to be right, too.
TESTS_MAY_INCLUDE = {'broker': ['storage'],
                     'client': ['session', 'broker'],  # its other end is the real core, not a copy of it
                     'mqttsn': ['session', 'broker'],  # devices and the real core, with a gateway in between
                     'inner': ['session', 'net'],  # the real core and its driver
                     'link': ['wire', 'session'],  # packets of devices; the broker is the real core
                     'ota': ['net', 'storage', 'journal'],  # the same
                     'transport': ['client'],  # a client in the same process, over an inner link
                     # The local broker of a bridge is the real core too, also with a store.
                     'uplink': ['journal', 'session', 'broker', 'storage']}

TOP_LEVEL = {'CMakeLists.txt', 'README.md', 'LICENSE', 'src', 'include', 'firmware-bridge', 'config', 'tests', 'docker',
             'run', 'findings'}
NOT_OURS = {'build'}  # made by ./run, ignored by git

# Of the sources under src, a header reaches those that see it, directly or through other headers. A header of base or
# wire may reach all of them.
REACH_MAX = 40
REACHES_ALL = ('base', 'wire')
# path -> (sources that it may reach, reason)
CLIENT = 'a part of the client that bridges, gateways of devices, lines and the image server own by value'
OPTION = 'an option that the policy holds by value, and whose defaults are those of the configuration'
READ_BY_ALL = 'values of the configuration, which every command of the daemon reads'
IN_DELIVERY = 'a part of each delivery, and the queues of a session hold deliveries by value'
IN_SESSION = 'a part of each session, which holds it by value'
READ_BY_OPERATORS = 'a part of the shard or of the sessions, which the questions and actions of operators read'
WIDE_HEADERS = {
    'include/ledge/auth/access.hpp': (50, 'what is asked of the rights for each message'),
    'include/ledge/auth/acl.hpp': (42, 'rules that the policy holds by value'),
    'include/ledge/auth/acl_rules.hpp': (43, 'rules that the policy holds by value'),
    'include/ledge/auth/hook.hpp': (56, OPTION),
    'include/ledge/auth/jwks.hpp': (59, OPTION),
    'include/ledge/auth/jwt.hpp': (56, OPTION),
    'include/ledge/auth/login_limits.hpp': (58, OPTION),
    'include/ledge/auth/revocation.hpp': (48, OPTION),
    'include/ledge/auth/token_algorithm.hpp': (66, OPTION),
    'include/ledge/auth/wall_time.hpp': (63, 'a part of the rules for tokens, which are such an option'),
    'include/ledge/bridge/route.hpp': (68, 'an option that the configuration and the bridges hold by value'),
    'include/ledge/broker/options.hpp': (53, 'the options of the shard, which the configuration fills by value'),
    'include/ledge/broker/retained_limits.hpp': (63, 'options that the retained messages hold by value'),
    'include/ledge/broker/session_facts.hpp': (48, 'what an operator sees of a session, in answers and questions'),
    'include/ledge/broker/shard.hpp': (63, 'the door of the core, for each part of the program that is its client'),
    'include/ledge/broker/share_strategy.hpp': (55, 'an option of the shard, which the configuration fills by value'),
    'include/ledge/client/client.hpp': (48, CLIENT),
    'include/ledge/client/event.hpp': (50, CLIENT),
    'include/ledge/client/fault.hpp': (51, CLIENT),
    'include/ledge/client/held_messages.hpp': (49, CLIENT),
    'include/ledge/client/options.hpp': (62, 'options that bridges and the clients of devices hold by value'),
    'include/ledge/client/outbox.hpp': (49, CLIENT),
    'include/ledge/client/packet_id_set.hpp': (50, CLIENT),
    'include/ledge/client/received_messages.hpp': (49, CLIENT),
    'include/ledge/client/server_limits.hpp': (50, CLIENT),
    'include/ledge/client/topic_aliases.hpp': (49, CLIENT),
    'include/ledge/config/mqttsn_settings.hpp': (52, READ_BY_ALL),
    'include/ledge/config/settings.hpp': (52, READ_BY_ALL),
    'include/ledge/config/sources.hpp': (51, READ_BY_ALL),
    'include/ledge/journal/durability.hpp': (61, 'an option of the shard, which the configuration fills by value'),
    'include/ledge/journal/journal_options.hpp': (54, 'a part of the same options'),
    'include/ledge/journal/out_state.hpp': (53, IN_DELIVERY),
    'include/ledge/journal/progress.hpp': (61, 'a part of each session, and of the records that the store reads'),
    'include/ledge/journal/publication.hpp': (71, 'the message itself, which the core and the records hold by value'),
    'include/ledge/journal/write_class.hpp': (41, 'what the figures of the store count by'),
    'include/ledge/lines/options.hpp': (56, 'options of a listener, which the configuration fills by value'),
    'include/ledge/mqttsn/endpoint_options.hpp': (69, 'options of a listener, which the configuration fills by value'),
    'include/ledge/mqttsn/gateway_options.hpp': (63, 'the same'),
    'include/ledge/net/poller.hpp': (58, 'what each owner of a socket or a serial line is for the loop'),
    'include/ledge/net/tls_options.hpp': (55, 'options of listeners and of clients, which hold them by value'),
    'include/ledge/os/descriptor.hpp': (100, 'a small value, which each owner of a file or socket holds, bridges too'),
    'include/ledge/os/mailbox.hpp': (56, 'what each owner of workers gets their results by'),
    'include/ledge/os/worker_pool.hpp': (55, 'what each loop with TLS, hooks or passwords owns its workers by'),
    'include/ledge/session/ack_barrier.hpp': (54, IN_DELIVERY),
    'include/ledge/session/core_timer.hpp': (44, 'a timer that parts of the core hold by value'),
    'include/ledge/session/counters.hpp': (48, 'the counters that each part of the core adds to'),
    'include/ledge/session/delivery.hpp': (52, IN_DELIVERY),
    'include/ledge/session/inflight.hpp': (49, IN_SESSION),
    'include/ledge/session/limits.hpp': (89, 'read for each message; the options of a listener hold it by value'),
    'include/ledge/session/listener_options.hpp': (64, 'options of the shard, which the configuration fills by value'),
    'include/ledge/session/memory_budget.hpp': (45, 'a small value that many hold'),
    'include/ledge/session/memory_kinds.hpp': (59, 'the kinds of memory, which the budget counts and metrics show'),
    'include/ledge/session/outbox.hpp': (43, 'a small value that many hold'),
    'include/ledge/session/peer_facts.hpp': (41, 'a part of each connection, which holds it by value'),
    'include/ledge/session/pending_queue.hpp': (49, IN_SESSION),
    'include/ledge/session/pressure.hpp': (46, 'a small value that many hold'),
    'include/ledge/session/queue_losses.hpp': (55, 'a small value that many hold'),
    'include/ledge/session/queue_rules.hpp': (66, 'options of a listener, as listener_options.hpp'),
    'include/ledge/session/received_ids.hpp': (46, 'a small value that many hold'),
    'include/ledge/session/received_messages.hpp': (45, 'a small value that many hold'),
    'include/ledge/session/services.hpp': (50, 'the version of the policy is compared for each message, inline'),
    'include/ledge/session/session.hpp': (44, 'a small value that many hold'),
    'include/ledge/session/session_queue.hpp': (48, 'a small value that many hold'),
    'include/ledge/session/session_records.hpp': (49, IN_SESSION),
    'include/ledge/session/subscription_set.hpp': (47, 'a small value that many hold'),
    'include/ledge/session/traffic.hpp': (44, 'the time that the loop and its driver share'),
    'include/ledge/storage/store.hpp': (48, 'what the options of the loop own the store by'),
    'include/ledge/topic/levels.hpp': (50, 'the one splitter of levels, inline in the match of filters and rules'),
    'include/ledge/topic/name.hpp': (52, 'the rules of topic names, for whatever takes one from outside'),
    'include/ledge/transport/http.hpp': (41, READ_BY_OPERATORS),
}

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 80
COLUMNS_MAX = 120
README_LINES_MAX = 80
COMMENT_PERCENT_MIN = 18  # lines of src and include with a comment, of those that are not empty; the aim is 20

# path -> reason
LONG_FILES = {'src/base/log_events.cpp': 'one table with a row for each event of the log'}
# (path, function) -> reason
LONG_FUNCTIONS = {}
# path -> reason
LONG_READMES = {'src/mqttsn/README.md': 'holds the rules of the gateway, each with a test of its name',
                'src/broker/README.md': 'holds the bound of every loop that a packet drives',
                'src/wire/README.md': 'holds the whole table of malformed input and its answers',
                'src/storage/README.md': 'holds what becomes of damaged rows, full disks and lost files, case by case'}

# Patterns that have no place in the core. They are searched for in the code without comments and strings.
HIDDEN_INPUT = {
    r'_clock\s*::\s*now\b': 'reads a clock',
    r'\b(clock_gettime|gettimeofday|localtime|gmtime|timespec_get)\b': 'reads a clock',
    r'(?<![\w.>])(std::)?time\s*\(\s*(NULL|nullptr|0|&)': 'reads a clock',
    r'(?<![\w.>])(std::|::)?clock\s*\(\s*\)': 'reads a clock',
    r'\brandom_device\b': 'asks the machine for randomness',
    r'(?<![\w.>])(std::)?s?rand\s*\(': 'hidden random state',
    r'\b(getrandom|getentropy|arc4random)\b': 'asks the machine for randomness',
    r'\bmt19937': 'an engine beside base/rng',
}
INDIRECTION = {
    # The one exception is the policy: a snapshot that sessions share with the shard until they judge by a newer one.
    r'\bshared_ptr\b(?!<const (auth::)?Policy>)': 'shared ownership beside Blob and the policy',
    r'\bstd\s*::\s*function\b': 'std::function in the core',
    r'\bvirtual\b': 'virtual in the core',
    r'\bvoid\s*(const\s*)?\*': 'void* in the core: no compiler checks what it points to',
}
# Each message that is lost has an event for operators who trace it. So the counters have one place where they rise.
DROPS = {r'(\+\+|--)[\s(]*[\w.>-]*\bdropped_(?!in_a_row)\w+|\bcounters_?\.dropped_\w+\s*[-+]?=[^=]':
         'raises a counter of drops without an event for the traces'}
COUNTS_DROPS = 'src/session/tracer.cpp'
# path -> the one pattern above that the file may use, and the reason
MAY_BE_INDIRECT = {
    'include/ledge/journal/store_reader.hpp': ('virtual in the core', 'a read of a file costs a thousand such calls'),
    'include/ledge/base/log.hpp': ('void* in the core', 'the sink of the log belongs to any type'),
    'include/ledge/base/wipe.hpp': ('void* in the core', 'raw memory'),
    'src/base/wipe.cpp': ('void* in the core', 'raw memory'),
    'src/base/blob.cpp': ('void* in the core', 'raw memory, as malloc gives it'),
}
# A switch over an enum of ours names every value, so that the compiler finds the places that a new one needs. What may
# have a `default:` is switched over numbers that others give. path -> reason
MAY_HAVE_DEFAULT = {'src/auth/signature.cpp': 'the kinds of keys of mbedTLS',
                    'src/config/toml_file.cpp': 'the kinds of nodes of toml++',
                    'src/net/tls/tls_session.cpp': 'the results of mbedTLS',
                    'src/session/connack.cpp': 'the reason codes that MQTT 3 has no code for',
                    'src/storage/lmdb_env.cpp': 'the codes of LMDB and of the system',
                    'src/transport/proxy_header.cpp': 'a byte from the peer'}
OUTSIDE_HEADERS = {'thread', 'mutex', 'shared_mutex', 'condition_variable', 'future', 'random', 'ctime', 'iostream',
                   'fstream', 'filesystem', 'unistd.h', 'sys/socket.h', 'sys/epoll.h', 'sys/time.h', 'time.h',
                   'pthread.h', 'fcntl.h', 'lmdb.h'}
# path -> reason
MAY_USE_OUTSIDE = {'src/base/assert.cpp': 'a failed assertion must be told, and must not wait to be read',
                   'src/auth/password_hash.cpp': 'SHA-512 and PBKDF2 are pure arithmetic, better left to mbedTLS',
                   'src/auth/hmac.cpp': 'SHA-256 and HMAC are pure arithmetic, better left to mbedTLS',
                   'src/auth/mbedtls_version.hpp': 'the same, where mbedTLS 2.28 and 3.6 differ',
                   'src/auth/signature.cpp': 'so are the signatures of tokens',
                   'src/base/json_reader.cpp': 'strangers write JSON: a well-kept parser, and no I/O'}
OUTSIDE_HEADER_FOLDERS = ('boost/asio', 'boost/beast', 'boost/json', 'mbedtls', 'netinet', 'arpa')
