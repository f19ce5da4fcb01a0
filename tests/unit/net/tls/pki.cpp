#include "pki.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace ledge::net {

namespace {

/// Goes away with the program.
struct Folder {
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "ledgemq-pki-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path = name;
        fill();
    }
    ~Folder() { std::filesystem::remove_all(path); }

    void run(const std::string& command) const {
        const std::string line = "cd " + path + " && { " + command + "; } >openssl.log 2>&1";
        if (std::system(line.c_str()) != 0) std::abort();
    }
    void key(const std::string& name) const {
        run("openssl ecparam -name prime256v1 -genkey -noout -out " + name + ".key && chmod 600 " + name + ".key");
    }
    void issue(const std::string& name, const std::string& common_name, const std::string& alternatives) const {
        key(name);
        run("openssl req -new -key " + name + ".key -subj /CN=" + common_name + " -out csr && echo subjectAltName=" +
            alternatives + " >ext && openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 " +
            "-extfile ext -out " + name + ".pem");
    }
    void fill() const {
        key("ca");
        run("openssl req -x509 -new -key ca.key -subj /CN=authority -days 2 -out ca.pem");
        issue("server", "localhost", "DNS:localhost,IP:127.0.0.1");
        issue("other", "other", "DNS:*.many.example");
        issue("client", "meter-7", "DNS:meter-7.example");
    }

    std::string path;
};

}  // namespace

const std::string& pki_folder() {
    static const Folder folder;
    return folder.path;
}

TlsCertificate pki_certificate(const std::string& name) {
    return {pki_folder() + "/" + name + ".pem", pki_folder() + "/" + name + ".key"};
}

std::string write_file(const std::string& name, std::string_view content) {
    const std::string path = pki_folder() + "/" + name;
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    return path;
}

TlsOptions server_options() {
    TlsOptions options;
    options.certificates = {pki_certificate("server")};
    return options;
}

TlsClientOptions client_options() {
    TlsClientOptions options;
    options.ca_file = pki_folder() + "/ca.pem";
    return options;
}

}  // namespace ledge::net
