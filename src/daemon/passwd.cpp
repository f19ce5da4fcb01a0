#include "passwd.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>

#include "commands.hpp"
#include "ledge/auth/password_file.hpp"

namespace ledge::daemon {
namespace {

constexpr std::size_t password_bytes_max = 65'535;  // what CONNECT has room for
constexpr std::size_t salt_bytes = 12;              // as many as mosquitto takes, up to 2.0

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return number_; }

private:
    int number_;
};

/// The terminal without echo while it lives; signals, which would leave it so, are put off.
class Quiet {
public:
    explicit Quiet(int terminal) : terminal_(terminal) {
        sigset_t all;
        sigfillset(&all);
        ::sigprocmask(SIG_BLOCK, &all, &signals_);
        is_set_ = ::tcgetattr(terminal_, &before_) == 0;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        quiet.c_lflag |= ECHONL;
        if (is_set_) ::tcsetattr(terminal_, TCSAFLUSH, &quiet);
    }
    ~Quiet() {
        if (is_set_) ::tcsetattr(terminal_, TCSAFLUSH, &before_);
        ::sigprocmask(SIG_SETMASK, &signals_, nullptr);
    }
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;

private:
    int terminal_;
    termios before_{};
    sigset_t signals_{};
    bool is_set_ = false;
};

/// A line without its end. Nothing when there is none, or it is too long.
std::optional<auth::Secret> read_line(int descriptor) {
    std::array<Byte, password_bytes_max + 1> line{};
    std::size_t size = 0;
    bool is_ended = false;
    while (!is_ended && size < line.size()) {
        const ssize_t got = ::read(descriptor, &line[size], 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        is_ended = line[size] == '\n';
        if (!is_ended) ++size;
    }
    if (is_ended && size > 0 && line[size - 1] == '\r') --size;
    std::optional<auth::Secret> secret;
    if ((is_ended || size > 0) && size <= password_bytes_max) secret.emplace(Bytes(line.data(), size));
    auth::wipe(line.data(), line.size());
    return secret;
}

std::optional<auth::Secret> ask(int terminal, std::string_view prompt) {
    [[maybe_unused]] const ssize_t shown = ::write(terminal, prompt.data(), prompt.size());
    const Quiet quiet(terminal);
    return read_line(terminal);
}

/// From the terminal, twice if it is a new one; or a line of standard input. The error is a sentence.
Result<auth::Secret, std::string> obtain_password(bool is_new) {
    std::optional<auth::Secret> first;
    if (::isatty(STDIN_FILENO) == 1) {
        first = ask(STDIN_FILENO, "Password: ");
        if (first && is_new) {
            const auto second = ask(STDIN_FILENO, "The same again: ");
            const bool is_same = second && as_text(second->bytes()) == as_text(first->bytes());
            if (!is_same) return Failure{std::string("the two passwords differ; nothing is changed")};
        }
    } else {
        first = read_line(STDIN_FILENO);
    }
    if (!first || (is_new && first->bytes().empty()))
        return Failure{std::string("no password: one of 1 to 65535 bytes is wanted, in a line of its own")};
    return std::move(*first);
}

Result<std::string, std::string> read_text(const std::string& path) {
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (file == nullptr && errno == ENOENT) return std::string();
    if (file == nullptr) return Failure{"cannot open " + path + ": " + std::strerror(errno)};
    std::string text(auth::text_file_bytes_max + 1, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    const bool is_read = std::ferror(file) == 0;
    std::fclose(file);
    if (!is_read) return Failure{"cannot read " + path};
    return text;
}

bool write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return ::fsync(descriptor) == 0;
}

int verify(const auth::PasswordFile& file, const std::string& user) {
    const auth::PasswordFile::Entry* entry = file.find(user);
    if (entry == nullptr) return fail("there is no user " + user);
    const auto password = obtain_password(false);
    if (!password) return fail(password.error());
    if (!auth::is_right(entry->hash, password->bytes())) return fail("the password is wrong");
    std::puts("the password is right");
    return config::exit_ok;
}

int set(const config::Command::Passwd& wish, std::string_view text) {
    const auto password = obtain_password(true);
    if (!password) return fail(password.error());
    if (wish.is_scram && !auth::is_scram_password(password->bytes()))
        return fail("for SCRAM a password has letters, digits and signs of ASCII only");
    std::array<Byte, auth::PasswordHash::scram_salt_bytes_new> chance{};
    if (::getrandom(chance.data(), chance.size(), 0) != static_cast<ssize_t>(chance.size()))
        return fail("the system gives no random numbers");
    const Bytes salt = Bytes(chance).first(wish.is_scram ? chance.size() : salt_bytes);
    const std::uint32_t usual =
        wish.is_scram ? auth::PasswordHash::scram_iterations_new : auth::PasswordHash::iterations_new;
    const std::uint32_t iterations = wish.iterations != 0 ? wish.iterations : usual;
    const auto make = wish.is_scram ? auth::make_scram_keys : auth::hash_password;
    const auth::PasswordHash hash = make(password->bytes(), salt, iterations);
    const auto written = replace_file(wish.file, auth::with_password(text, wish.user, hash));
    return written ? config::exit_ok : fail(written.error());
}

int remove(const config::Command::Passwd& wish, const auth::PasswordFile& file, std::string_view text) {
    if (file.find(wish.user) == nullptr) return fail("there is no user " + wish.user);
    const auto written = replace_file(wish.file, auth::without_user(text, wish.user));
    return written ? config::exit_ok : fail(written.error());
}

}  // namespace

Result<bool, std::string> replace_file(const std::string& path, std::string_view text) {
    const auto failure = [&](const char* what) {
        return Failure{std::string(what) + " " + path + ": " + std::strerror(errno)};
    };
    std::string beside = path + ".XXXXXX";
    const Descriptor file(::mkostemp(beside.data(), O_CLOEXEC));  // mode 0600
    if (file.get() < 0) return failure("cannot write beside");
    struct stat old {};
    const bool is_old = ::stat(path.c_str(), &old) == 0;
    if (is_old) {
        [[maybe_unused]] const int owner = ::fchown(file.get(), old.st_uid, old.st_gid);  // root only
        ::fchmod(file.get(), old.st_mode & 07777U);
    }
    if (!write_all(file.get(), text) || ::rename(beside.c_str(), path.c_str()) != 0) {
        const auto failed = failure("cannot write");
        ::unlink(beside.c_str());
        return failed;
    }
    return true;
}

int use_passwd(const config::Command::Passwd& wish) {
    if (!auth::is_user_name(wish.user)) {
        fail("a user name has 1 to 1024 bytes of text, no ':' and no control characters");
        return config::exit_bad_configuration;
    }
    const auto text = read_text(wish.file);
    if (!text) return fail(text.error());
    const auto file = auth::PasswordFile::parse(*text);
    if (!file) {
        for (const auth::Problem& problem : file.error())
            fail(wish.file + ":" + std::to_string(problem.line) + ": the line " + problem.text);
        return config::exit_bad_configuration;
    }
    if (wish.is_verification) return verify(*file, wish.user);
    return wish.is_removal ? remove(wish, *file, *text) : set(wish, *text);
}

}  // namespace ledge::daemon
