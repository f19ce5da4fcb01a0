// TlsContext: loads certificates, keys, authorities and lists once, and keeps the settings of mbedTLS that all sessions
// of a listener or client share. A mistake names its option, so that the complaint can name the line of the key.
#include "ledge/net/tls_context.hpp"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/ssl_ticket.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <cstring>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/os/file.hpp"
#include "mbedtls_version.hpp"
#include "tls_ciphers.hpp"
#include "tls_context_parts.hpp"
#include "tls_secrets_parts.hpp"

namespace ledge::net {

using Option = TlsProblem::Option;

namespace {

// More than a file with all public authorities has. A larger file is a mistake.
constexpr std::size_t file_bytes_max = 1024 * 1024;
constexpr std::string_view cannot_be_used = "mbedTLS refuses the settings";  // the operation of an Error
constexpr int expiry_warning_days = 14;  // a certificate that expires within this time gets a note

Result<std::vector<unsigned char>, Error> read_file(const std::string& path) {
    auto file = os::read_regular_file(path, file_bytes_max);
    if (!file) return Failure{file.error()};
    std::vector<unsigned char> text(file->text.begin(), file->text.end());
    mbedtls_platform_zeroize(file->text.data(), file->text.size());  // the file may contain a key
    if (text.size() > file_bytes_max) return Failure{Error{{}, "{} is larger than 1 MiB", path}};
    text.push_back(0);  // mbedTLS parses a text as PEM only if a zero byte ends it
    return text;
}

/// mbedTLS calls this in the server's role to choose the certificate for the host name of SNI. An unknown name gets the
/// first certificate, as does a client that sends no name.
int choose_certificate(void* context, mbedtls_ssl_context* ssl, const unsigned char* name, std::size_t size) {
    const auto& parts = *static_cast<const TlsContext::Parts*>(context);
    const std::string_view wanted(reinterpret_cast<const char*>(name), size);
    for (const auto& identity : parts.identities) {
        if (identity->is_for(wanted)) return mbedtls_ssl_set_hs_own_cert(ssl, &identity->chain, &identity->key);
    }
    return 0;
}

/// mbedTLS calls this in the server's role to find the key of an identity. An unknown identity gets a random key that
/// nobody has. Its handshake then fails at the same step and with the same alert as with a wrong key, so that nobody
/// can find out which identities exist.
int find_key(void* context, mbedtls_ssl_context* ssl, const unsigned char* identity, std::size_t size) {
    const auto& parts = *static_cast<const TlsContext::Parts*>(context);
    const std::string_view wanted(reinterpret_cast<const char*>(identity), size);
    const auto found = parts.keys.find(wanted);
    auto& notes = *static_cast<TlsPeerNotes*>(mbed::user_of(ssl));
    if (found == parts.keys.end()) {
        notes.unknown_identity = wanted.substr(0, psk_identity_bytes_max);
        return mbedtls_ssl_set_hs_psk(ssl, parts.decoy_key.data(), parts.decoy_key.size());
    }
    notes.psk_identity = found->first;
    return mbedtls_ssl_set_hs_psk(ssl, found->second.data(), found->second.size());
}

/// Fills the parts of a context from options and files. A function that returns false has set the problem.
class Loader {
public:
    explicit Loader(std::shared_ptr<TlsSecrets> secrets) : parts_(std::make_unique<TlsContext::Parts>()) {
        // The settings of mbedTLS refer to the random generator in the secrets, so the context keeps them alive.
        parts_->secrets = std::move(secrets);
    }

    bool server(const TlsOptions& options) {
        parts_->client_certificate = options.client_certificate;
        parts_->user_name_from = options.user_name_from;
        if (!check(options) || !begin(MBEDTLS_SSL_IS_SERVER, options.minimum_version)) return false;
        for (std::size_t i = 0; i < options.certificates.size(); ++i) {
            if (!add_identity(options.certificates[i], i)) return false;
        }
        if (!load_authorities(options.ca_file) || !load_revoked(options.crl_file)) return false;
        // After the authorities are loaded, because note_chain() searches them.
        for (std::size_t i = 0; i < options.certificates.size(); ++i)
            note_chain(options.certificates[i], *parts_->identities[i]);
        if (!load_keys(options.psk_file) || !set_ciphers(options.ciphers, !options.psk_file.empty())) return false;
        mbedtls_ssl_config* config = &parts_->config;
        mbedtls_ssl_conf_authmode(config, auth_mode(options.client_certificate));
        // With one certificate there is no choice: every name gets this certificate.
        if (parts_->identities.size() > 1) mbedtls_ssl_conf_sni(config, choose_certificate, parts_.get());
        if (!parts_->keys.empty()) mbedtls_ssl_conf_psk_cb(config, find_key, parts_.get());
        use_tickets(options);
        return set_alpn(options.alpn);
    }

    bool client(const TlsClientOptions& options) {
        parts_->is_server = false;
        if (!begin(MBEDTLS_SSL_IS_CLIENT, options.minimum_version)) return false;
        const bool has_certificate = !options.certificate.certificate_file.empty();
        if (has_certificate && !add_identity(options.certificate, 0)) return false;
        const bool is_psk = !options.psk_file.empty();
        parts_->verifies_peer = options.verifies_server;
        // Without authorities no server's certificate could be verified, so every connection would fail.
        if (!is_psk && options.ca_file.empty() && options.verifies_server)
            return fail(Option::ca, "a client needs the file of the authorities that sign the server's certificate");
        if (options.verifies_server && !load_authorities(options.ca_file)) return false;
        if (!load_key(options.psk_file)) return false;
        mbedtls_ssl_conf_authmode(&parts_->config,
                                  options.verifies_server ? MBEDTLS_SSL_VERIFY_REQUIRED : MBEDTLS_SSL_VERIFY_NONE);
        return set_ciphers(options.ciphers, is_psk) && set_alpn(options.alpn);
    }

    std::unique_ptr<TlsContext::Parts> release_parts() { return std::move(parts_); }
    TlsProblem problem() { return std::move(problem_); }

private:
    bool fail(Option option, Error reason, std::size_t certificate = 0) {
        problem_ = {option, certificate, std::move(reason)};
        return false;
    }
    bool fail(Option option, std::string_view operation) { return fail(option, Error{{}, operation}); }

    static int auth_mode(TlsOptions::ClientCertificate wish) {
        switch (wish) {
            case TlsOptions::ClientCertificate::none: return MBEDTLS_SSL_VERIFY_NONE;
            case TlsOptions::ClientCertificate::optional: return MBEDTLS_SSL_VERIFY_OPTIONAL;
            case TlsOptions::ClientCertificate::required: break;
        }
        return MBEDTLS_SSL_VERIFY_REQUIRED;
    }

    /// Checks the combinations of options.
    bool check(const TlsOptions& options) {
        const bool asks = options.client_certificate != TlsOptions::ClientCertificate::none;
        const bool is_psk = !options.psk_file.empty();
        if (!options.is_used()) return fail(Option::certificate, "TLS needs a certificate and a key, or a psk_file");
        // With mbedTLS 2.28, a client with a wrong key could choose a suite with the certificate and so get in.
        if (is_psk && !options.certificates.empty())
            return fail(Option::psk_file, "pre-shared keys need a listener of their own, without a certificate");
        if (is_psk && asks)
            return fail(Option::client_certificate, "clients with pre-shared keys show no certificates");
        // Without ca no certificate could be verified, so every client that shows one would be refused.
        if (asks && options.ca_file.empty())
            return fail(Option::client_certificate,
                        "needs ca, the file of the authorities that sign the clients' certificates");
        if (!asks && !options.ca_file.empty())
            return fail(Option::ca,
                        "is for client certificates; add client_certificate = \"required\" or \"optional\"");
        // A list is signed by an authority; without this authority the list cannot be trusted.
        if (!options.crl_file.empty() && options.ca_file.empty())
            return fail(Option::crl, "needs ca, the file of the authorities that have revoked the certificates");
        if (!asks && options.user_name_from != TlsOptions::UserName::none)
            return fail(Option::user_name_from, "needs client certificates; add client_certificate = \"required\"");
        if (options.minimum_version == TlsOptions::Version::tls1_3 && !mbed::has_tls1_3)
            return fail(Option::minimum_version, "this build's mbedTLS has no TLS 1.3; use \"1.2\"");
        return true;
    }

    bool begin(int endpoint, TlsOptions::Version minimum) {
        mbedtls_ssl_config* config = &parts_->config;
        const int result =
            mbedtls_ssl_config_defaults(config, endpoint, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
        if (result != 0) return fail(Option::other, Error{tls_code(result), cannot_be_used});
        // The workers use this generator at the same time; mbedTLS locks it.
        mbedtls_ssl_conf_rng(config, mbedtls_ctr_drbg_random, &parts_->secrets->parts().random);
        mbed::set_minimum_version(config, minimum == TlsOptions::Version::tls1_3);
        mbed::set_groups_and_hashes(config);
        return true;
    }

    bool add_identity(const TlsCertificate& files, std::size_t index) {
        auto identity = std::make_unique<TlsIdentity>();
        auto text = read_file(files.certificate_file);
        if (!text) return fail(Option::certificate, text.error(), index);
        // A positive result counts certificates that cannot be read. In an own chain each of them is a mistake.
        int result = mbedtls_x509_crt_parse(&identity->chain, text->data(), text->size());
        if (result != 0) return fail(Option::certificate, unreadable(files.certificate_file, result), index);
        auto key_text = read_file(files.key_file);
        if (!key_text) return fail(Option::key, key_text.error(), index);
        void* random = &parts_->secrets->parts().random;
        // mbedTLS blinds private keys with random numbers, also when it checks and loads them.
        result = mbed::parse_key(&identity->key, *key_text, mbedtls_ctr_drbg_random, random);
        mbedtls_platform_zeroize(key_text->data(), key_text->size());
        if (result != 0) return fail(Option::key, unreadable(files.key_file, result), index);
        // Otherwise the mistake would show only at the first handshake, and only in the log of the client.
        if (mbed::check_pair(&identity->chain.pk, &identity->key, mbedtls_ctr_drbg_random, random) != 0)
            return fail(Option::key, Error{{}, "{} is not the key of {}", files.key_file, files.certificate_file},
                        index);
        compute_key_tables(*identity);
        note_certificate(files, *identity);
        identity->names = host_names_in(identity->chain);
        // mbedTLS keeps the pointers, so an identity must not move in memory; `identities` holds unique_ptrs.
        result = mbedtls_ssl_conf_own_cert(&parts_->config, &identity->chain, &identity->key);
        if (result != 0) return fail(Option::certificate, Error{tls_code(result), cannot_be_used}, index);
        parts_->identities.push_back(std::move(identity));
        return true;
    }

    /// mbedTLS 2.28 computes tables of the curve when a key signs for the first time, and stores them in the key. The
    /// tables are computed here, before several threads use the key at the same time.
    void compute_key_tables(TlsIdentity& identity) {
        const std::array<unsigned char, 32> hash{};
        std::array<unsigned char, MBEDTLS_PK_SIGNATURE_MAX_SIZE> signature{};
        mbed::sign(&identity.key, hash, signature, mbedtls_ctr_drbg_random, &parts_->secrets->parts().random);
    }

    void note_certificate(const TlsCertificate& files, const TlsIdentity& identity) {
        note_mode("key", files.key_file);
        if (mbedtls_x509_time_is_past(&identity.chain.valid_to) != 0)
            parts_->notes.push_back("the certificate " + files.certificate_file + " has expired");
        else if (const auto earlier = days_before(identity.chain.valid_to); mbedtls_x509_time_is_past(&earlier) != 0)
            parts_->notes.push_back("the certificate " + files.certificate_file + " expires within " +
                                    std::to_string(expiry_warning_days) + " days");
        if (mbedtls_x509_time_is_future(&identity.chain.valid_from) != 0)
            parts_->notes.push_back("the certificate " + files.certificate_file + " is not valid yet");
    }

    /// Notes a missing chain: the file has one certificate, and an intermediate authority has signed it. Clients know
    /// only root authorities and would refuse the certificate. An issuer counts as an intermediate authority if the
    /// certificate names the place of the issuer's certificate, as those of public authorities do (RFC 5280 section
    /// 4.2.2.1), or if `ca` is given, and the issuer is not among the authorities in `ca`.
    void note_chain(const TlsCertificate& files, const TlsIdentity& identity) {
        const mbedtls_x509_crt& leaf = identity.chain;
        const auto is_same = [](const mbedtls_x509_buf& one, const mbedtls_x509_buf& other) {
            return one.len == other.len && std::memcmp(one.p, other.p, one.len) == 0;
        };
        // The file has a chain, or the certificate is self-signed and so its own authority.
        if (leaf.next != nullptr || is_same(leaf.subject_raw, leaf.issuer_raw)) return;
        // The object identifier 1.3.6.1.5.5.7.48.2 (id-ad-caIssuers) as it stands in the certificate.
        constexpr std::string_view place_of_issuer = "\x2B\x06\x01\x05\x05\x07\x30\x02";
        bool is_known = false;
        for (const mbedtls_x509_crt* one = &parts_->authorities; one != nullptr && one->raw.p != nullptr;
             one = one->next)
            is_known = is_known || is_same(one->subject_raw, leaf.issuer_raw);
        const bool has_place = as_text({leaf.raw.p, leaf.raw.len}).find(place_of_issuer) != std::string_view::npos;
        if (is_known || (!has_place && parts_->authorities.raw.p == nullptr)) return;
        std::array<char, 256> issuer{};
        mbedtls_x509_dn_gets(issuer.data(), issuer.size(), &leaf.issuer);
        parts_->notes.push_back(files.certificate_file + " has one certificate only, signed by \"" + issuer.data() +
                                "\": clients that do not know this authority refuse the listener; append the "
                                "certificates of the intermediate authorities to the file");
    }

    static mbedtls_x509_time days_before(mbedtls_x509_time time) {
        using namespace std::chrono;
        const year_month_day date{year(time.year), month(static_cast<unsigned>(time.mon)),
                                  day(static_cast<unsigned>(time.day))};
        const year_month_day earlier{sys_days(date) - days(expiry_warning_days)};
        time.year = static_cast<int>(earlier.year());
        time.mon = static_cast<int>(static_cast<unsigned>(earlier.month()));
        time.day = static_cast<int>(static_cast<unsigned>(earlier.day()));
        return time;
    }

    /// Notes a file with secrets whose permissions are too wide. A group may read a file that root owns: a service that
    /// does not run as root gets its key in this way.
    void note_mode(const std::string& what, const std::string& path) {
        struct stat file {};
        if (::stat(path.c_str(), &file) != 0) return;
        if ((file.st_mode & S_IROTH) != 0)
            parts_->notes.push_back("everybody on this machine may read the " + what + " " + path + "; run chmod o-r");
        else if ((file.st_mode & S_IRGRP) != 0 && file.st_uid != 0)
            parts_->notes.push_back("the group of the " + what + " " + path + " may read the file; run chmod g-r");
        if ((file.st_mode & (S_IWGRP | S_IWOTH)) != 0)
            parts_->notes.push_back("others than its owner may write the " + what + " " + path + "; run chmod go-w");
    }

    static Error unreadable(const std::string& path, int result) {
        if (result > 0) return {{}, "{} has {} certificates that cannot be read", path, std::to_string(result)};
        return {tls_code(result), "{} is not PEM of this kind (certificate, key or list)", path};
    }

    bool load_authorities(const std::string& path) {
        if (path.empty()) return true;
        auto text = read_file(path);
        if (!text) return fail(Option::ca, text.error());
        // A file of authorities may be the one of the system. A few of its certificates may use algorithms that mbedTLS
        // does not know, and the others are used nevertheless.
        const int result = mbedtls_x509_crt_parse(&parts_->authorities, text->data(), text->size());
        if (result < 0) return fail(Option::ca, unreadable(path, result));
        if (result > 0) parts_->notes.push_back(text_of(unreadable(path, result)));
        mbedtls_ssl_conf_ca_chain(&parts_->config, &parts_->authorities, nullptr);
        return true;
    }

    bool load_revoked(const std::string& path) {
        if (path.empty()) return true;
        auto text = read_file(path);
        if (!text) return fail(Option::crl, text.error());
        const int result = mbedtls_x509_crl_parse(&parts_->revoked, text->data(), text->size());
        if (result != 0) return fail(Option::crl, unreadable(path, result));
        if (mbedtls_x509_time_is_past(&parts_->revoked.next_update) != 0)
            parts_->notes.push_back("the list " + path +
                                    " is out of date: clients whose certificates its issuer has signed are refused");
        mbedtls_ssl_conf_ca_chain(&parts_->config, &parts_->authorities, &parts_->revoked);
        return true;
    }

    /// The pre-shared keys of a listener's clients.
    bool load_keys(const std::string& path) {
        if (path.empty()) return true;
        auto text = read_file(path);
        if (!text) return fail(Option::psk_file, text.error());
        text->pop_back();  // the zero byte that read_file() has added for PEM
        auto table = parse_psk_file(as_text(*text));
        mbedtls_platform_zeroize(text->data(), text->size());
        if (!table) return fail(Option::psk_file, Error{{}, "{}: {}", path, table.error()});
        parts_->keys = std::move(*table);
        note_mode("keys", path);
        return true;
    }

    /// The pre-shared key of a client, in a file like a listener's. A client has one identity, and so one key.
    bool load_key(const std::string& path) {
        if (!load_keys(path)) return false;
        if (path.empty()) return true;
        if (parts_->keys.size() != 1)
            return fail(Option::psk_file, Error{{}, "{} has more than one key; a client needs exactly one", path});
        const auto& [name, key] = *parts_->keys.begin();
        const auto* bytes = reinterpret_cast<const unsigned char*>(name.data());
        const int result = mbedtls_ssl_conf_psk(&parts_->config, key.data(), key.size(), bytes, name.size());
        return result == 0 || fail(Option::psk_file, Error{tls_code(result), cannot_be_used});
    }

    bool set_ciphers(const std::vector<std::string>& names, bool is_psk) {
        // The list is a member, because mbedTLS keeps a pointer to it.
        parts_->ciphers = safe_ciphers(is_psk);
        if (!names.empty()) {
            auto chosen = ciphers_by_name(names, is_psk);
            if (!chosen) return fail(Option::ciphers, chosen.error());
            parts_->ciphers = std::move(*chosen);
        }
        mbedtls_ssl_conf_ciphersuites(&parts_->config, parts_->ciphers.data());
        return true;
    }

    bool set_alpn(const std::vector<std::string>& names) {
        if (names.empty()) return true;
        // mbedTLS keeps the pointers, so texts and pointers live as long as the context.
        parts_->alpn = names;
        for (const std::string& name : parts_->alpn) parts_->alpn_texts.push_back(name.c_str());
        parts_->alpn_texts.push_back(nullptr);
        const int result = mbedtls_ssl_conf_alpn_protocols(&parts_->config, parts_->alpn_texts.data());
        return result == 0 || fail(Option::alpn, "has a name that is empty or longer than 255 bytes");
    }

    /// Session tickets. A ticket does not contain the identity of a pre-shared key, and a ticket of TLS 1.3 does not
    /// contain the client's certificate. In these cases no tickets are given, because a resumed client would have no
    /// name.
    void use_tickets(const TlsOptions& options) {
        const bool is_psk = !options.psk_file.empty();
        if (is_psk || options.client_certificate != TlsOptions::ClientCertificate::none)
            mbed::without_tickets_of_1_3(&parts_->config);
        if (is_psk || !parts_->secrets->has_tickets()) return;
        mbedtls_ssl_conf_session_tickets_cb(&parts_->config, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse,
                                            &parts_->secrets->parts().tickets);
    }

    std::unique_ptr<TlsContext::Parts> parts_;
    TlsProblem problem_;
};

}  // namespace

TlsIdentity::TlsIdentity() {
    mbedtls_x509_crt_init(&chain);
    mbedtls_pk_init(&key);
}

TlsIdentity::~TlsIdentity() {
    mbedtls_pk_free(&key);
    mbedtls_x509_crt_free(&chain);
}

TlsContext::Parts::Parts() {
    mbedtls_x509_crt_init(&authorities);
    mbedtls_x509_crl_init(&revoked);
    mbedtls_ssl_config_init(&config);
    const auto got = ::getrandom(decoy_key.data(), decoy_key.size(), 0);  // returns up to 256 bytes completely
    LEDGE_ASSERT(got == static_cast<ssize_t>(decoy_key.size()));
}

TlsContext::Parts::~Parts() {
    // First the settings, which point to the lists and authorities.
    mbedtls_ssl_config_free(&config);
    mbedtls_x509_crl_free(&revoked);
    mbedtls_x509_crt_free(&authorities);
}

TlsContext::TlsContext(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsContext::~TlsContext() = default;
const std::vector<std::string>& TlsContext::notes() const { return parts_->notes; }

Result<std::shared_ptr<const TlsContext>, TlsProblem> TlsContext::create(const TlsOptions& options,
                                                                         std::shared_ptr<TlsSecrets> secrets) {
    Loader loader(std::move(secrets));
    if (!loader.server(options)) return Failure{loader.problem()};
    return std::shared_ptr<const TlsContext>(new TlsContext(loader.release_parts()));
}

Result<std::shared_ptr<const TlsContext>, TlsProblem> TlsContext::create(const TlsClientOptions& options,
                                                                         std::shared_ptr<TlsSecrets> secrets) {
    Loader loader(std::move(secrets));
    if (!loader.client(options)) return Failure{loader.problem()};
    return std::shared_ptr<const TlsContext>(new TlsContext(loader.release_parts()));
}

Result<std::shared_ptr<const TlsContext>, TlsProblem> make_tls_client(const TlsClientOptions& options) {
    auto secrets = TlsSecrets::create();
    if (secrets == nullptr)
        return Failure{TlsProblem{Option::other, 0, Error{{}, "the system provides no random bytes"}}};
    return TlsContext::create(options, std::move(secrets));
}

Result<std::vector<std::string>, TlsProblem> check_tls_client(const TlsClientOptions& options) {
    // A complete context, because only mbedTLS knows whether the files fit together.
    const auto context = make_tls_client(options);
    if (!context) return Failure{context.error()};
    return context.value()->notes();
}

Result<std::vector<std::string>, TlsProblem> check_tls(const TlsOptions& options) {
    auto secrets = TlsSecrets::create();
    if (secrets == nullptr)
        return Failure{TlsProblem{Option::other, 0, Error{{}, "the system provides no random bytes"}}};
    const auto context = TlsContext::create(options, std::move(secrets));
    if (!context) return Failure{context.error()};
    return context.value()->notes();
}

std::vector<std::string> files_of(const TlsClientOptions& options) {
    std::vector<std::string> files;
    for (const std::string* file :
         {&options.ca_file, &options.certificate.certificate_file, &options.certificate.key_file, &options.psk_file}) {
        if (!file->empty()) files.push_back(*file);
    }
    return files;
}

std::vector<std::string> files_of(const TlsOptions& options) {
    std::vector<std::string> files;
    for (const TlsCertificate& certificate : options.certificates) {
        files.push_back(certificate.certificate_file);
        files.push_back(certificate.key_file);
    }
    for (const std::string* file : {&options.ca_file, &options.crl_file, &options.psk_file}) {
        if (!file->empty()) files.push_back(*file);
    }
    return files;
}

}  // namespace ledge::net
