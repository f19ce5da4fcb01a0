// `ledgemq passwd`. The password is read first and hashed without a lock; only the edit of the file itself is done
// under the lock, so nobody waits for a person who types.
#include "passwd.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

#include "commands.hpp"
#include "ledge/auth/password_file.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/base/secret.hpp"
#include "ledge/os/descriptor.hpp"
#include "ledge/os/file.hpp"

namespace ledge::daemon {
namespace {

constexpr std::size_t password_bytes_max = 65'535;  // the longest password that CONNECT can carry
constexpr std::size_t salt_bytes = 12;              // the length that mosquitto uses, up to 2.0

/// Switches the echo of the terminal off while this object lives. Signals are blocked meanwhile, because one that
/// ends the process would leave the terminal without echo.
class EchoOff {
public:
    explicit EchoOff(int terminal) : terminal_(terminal) {
        sigset_t all;
        sigfillset(&all);
        ::sigprocmask(SIG_BLOCK, &all, &signals_);
        is_set_ = ::tcgetattr(terminal_, &before_) == 0;
        termios without_echo = before_;
        without_echo.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        // ECHONL shows the end of the line, so that the next output begins on a new line.
        without_echo.c_lflag |= ECHONL;
        // TCSAFLUSH discards what was typed before, while the echo was on.
        if (is_set_) ::tcsetattr(terminal_, TCSAFLUSH, &without_echo);
    }
    ~EchoOff() {
        if (is_set_) ::tcsetattr(terminal_, TCSAFLUSH, &before_);
        ::sigprocmask(SIG_SETMASK, &signals_, nullptr);
    }
    EchoOff(const EchoOff&) = delete;
    EchoOff& operator=(const EchoOff&) = delete;

private:
    int terminal_;
    termios before_{};
    sigset_t signals_{};
    bool is_set_ = false;
};

/// Reads one line, without its end. nullopt: there is no line, or it is too long.
std::optional<Secret> read_line(int descriptor) {
    // The buffer has one byte more than a password, to notice a longer one. It is on the stack and is wiped, so that no
    // copy of the password stays in memory.
    std::array<Byte, password_bytes_max + 1> line{};
    std::size_t size = 0;
    bool is_ended = false;
    while (!is_ended && size < line.size()) {
        // Byte by byte, so that the text after the line stays for the next reader of the same input.
        const ssize_t got = ::read(descriptor, &line[size], 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        is_ended = line[size] == '\n';
        if (!is_ended) ++size;
    }
    // A file from Windows ends its lines with \r\n.
    if (is_ended && size > 0 && line[size - 1] == '\r') --size;
    std::optional<Secret> secret;
    if ((is_ended || size > 0) && size <= password_bytes_max) secret.emplace(Bytes(line.data(), size));
    wipe(line.data(), line.size());
    return secret;
}

std::optional<Secret> ask(int terminal, std::string_view prompt) {
    [[maybe_unused]] const ssize_t shown = ::write(terminal, prompt.data(), prompt.size());
    const EchoOff echo_off(terminal);
    return read_line(terminal);
}

/// Asks for the password at the terminal, twice if it is new, or reads a line of standard input.
Result<Secret, Error> obtain_password(bool is_new) {
    std::optional<Secret> first;
    // A script passes the password through a pipe; a prompt would be in its way.
    if (::isatty(STDIN_FILENO) == 1) {
        first = ask(STDIN_FILENO, "Password: ");
        if (first && is_new) {
            const auto second = ask(STDIN_FILENO, "Password again: ");
            // The password is asked for twice, because nobody sees what is typed, and a slip would lock the user out.
            const bool is_same = second && as_text(second->bytes()) == as_text(first->bytes());
            if (!is_same) return Failure{Error{{}, "the two passwords differ; nothing is changed"}};
        }
    } else {
        first = read_line(STDIN_FILENO);
    }
    if (!first || (is_new && first->bytes().empty()))
        return Failure{Error{{}, "no password; enter 1 to 65535 bytes on one line"}};
    return std::move(*first);
}

/// The text of the password file; "" if there is no file yet.
Result<std::string, Error> read_text(const std::string& path) {
    if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return std::string();
    auto file = os::read_regular_file(path, auth::text_file_bytes_max);
    if (!file) return Failure{file.error()};
    return std::move(file->text);
}

int verify(const auth::PasswordFile& file, const std::string& user) {
    const auth::PasswordFile::Entry* entry = file.find(user);
    // Whoever runs this command can read the file, so the answer may tell which users exist.
    if (entry == nullptr) return fail("there is no user " + user);
    const auto password = obtain_password(false);
    if (!password) return fail(text_of(password.error()));
    if (!auth::is_right(entry->hash, password->bytes())) return fail("the password is wrong");
    std::puts("the password is right");
    return config::exit_ok;
}

/// Asks for the new password and hashes it.
Result<auth::PasswordHash, Error> obtain_hash(const config::Command::Passwd& request) {
    const auto password = obtain_password(true);
    if (!password) return Failure{password.error()};
    if (request.is_scram && !auth::is_scram_password(password->bytes()))
        return Failure{Error{{}, "a password for SCRAM may have only printable ASCII characters"}};
    // The salt must differ for each user, also on other machines: otherwise one table of hashes would serve an attacker
    // for all of them.
    std::array<Byte, auth::PasswordHash::scram_salt_bytes_new> chance{};
    if (::getrandom(chance.data(), chance.size(), 0) != static_cast<ssize_t>(chance.size()))
        return Failure{Error{{}, "the system provides no random numbers"}};
    const Bytes salt = Bytes(chance).first(request.is_scram ? chance.size() : salt_bytes);
    const std::uint32_t usual =
        request.is_scram ? auth::PasswordHash::scram_iterations_new : auth::PasswordHash::iterations_new;
    const std::uint32_t iterations = request.iterations != 0 ? request.iterations : usual;
    const auto make = request.is_scram ? auth::make_scram_keys : auth::hash_password;
    return make(password->bytes(), salt, iterations);
}

int report(const Result<bool, Error>& written) { return written ? config::exit_ok : fail(text_of(written.error())); }

int set(const config::Command::Passwd& request) {
    const auto hash = obtain_hash(request);
    if (!hash) return fail(text_of(hash.error()));
    return report(edit_file(request.file, [&](std::string_view text) -> Result<std::string, Error> {
        return auth::with_password(text, request.user, *hash);
    }));
}

int remove(const config::Command::Passwd& request) {
    return report(edit_file(request.file, [&](std::string_view text) -> Result<std::string, Error> {
        // Parsed again under the lock, because another process may have removed the user meanwhile.
        const auto file = auth::PasswordFile::parse(text);
        if (!file || file->find(request.user) == nullptr)
            return Failure{Error{{}, "there is no user {}", request.user}};
        return auth::without_user(text, request.user);
    }));
}

/// The path behind symbolic links, so that an edit replaces the target and not the link.
Result<std::string, Error> real_path(const std::string& path) {
    std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
    if (real != nullptr) return std::string(real.get());
    struct stat link {};
    if (errno == ENOENT && ::lstat(path.c_str(), &link) != 0) return path;  // a new file
    return Failure{Error{system_code(errno), "cannot resolve {}", path}};
}

/// Replaces the text of the file. A reader sees the old text or the new one, and a power cut leaves one of the two.
/// Mode and owner of the file stay. `directory`: the descriptor of its directory.
Result<bool, Error> replace_file(const std::string& path, int directory, std::string_view text) {
    const auto failure = [&](std::string_view what, int code) { return Failure{Error{system_code(code), what, path}}; };
    std::string beside = path + ".XXXXXX";
    // The new file is in the same directory, because rename() cannot cross file systems.
    const os::Descriptor file(::mkostemp(beside.data(), O_CLOEXEC));  // mode 0600
    if (!file.is_open()) return failure("cannot create a file beside {}", errno);
    os::Draft draft(beside);
    struct stat old {};
    const bool is_old = ::stat(path.c_str(), &old) == 0;
    // The owner is changed before the mode, because chown() clears the bits set-user-id and set-group-id (chown(2)).
    const bool is_kept = !is_old || (::fchown(file.get(), old.st_uid, old.st_gid) == 0 &&
                                     ::fchmod(file.get(), old.st_mode & 07777U) == 0);
    if (!is_kept) return failure("cannot keep the owner and the mode of {}", errno);
    int code = os::write_all(file.get(), text);
    // The data must be on the disk before the name points to it. Otherwise a power cut could leave an empty file.
    if (code == 0) code = os::sync_file(file.get());
    if (code == 0) code = draft.rename_to(path);
    if (code == 0) code = os::sync_file(directory);
    // EINVAL: the file system cannot sync a directory, so it promises nothing about the rename.
    if (code != 0 && code != EINVAL) return failure("cannot write {}", code);
    return true;
}

}  // namespace

// All processes that edit a file of this directory wait for the lock of the directory. A lock on the file itself
// would not do: the file is replaced, so the next process would lock the new file while the old one is still locked.
Result<bool, Error> edit_file(const std::string& link, const Edit& edit) {
    const auto path = real_path(link);
    if (!path) return Failure{path.error()};
    const std::string folder = os::parent_of(*path);
    const os::Descriptor directory = os::open_directory(folder);
    if (!directory.is_open()) return Failure{Error{system_code(errno), "cannot open the folder {}", folder}};
    // Tried again and again instead of a wait without end: the other program may be a broker that keeps its lock for
    // days.
    constexpr timespec pause{0, 50'000'000};
    constexpr int tries_max = 200;  // ten seconds
    int locked = -1;
    for (int tries = 0; tries < tries_max && locked != 0; ++tries) {
        if (tries > 0) ::nanosleep(&pause, nullptr);
        locked = ::flock(directory.get(), LOCK_EX | LOCK_NB);
        if (locked != 0 && errno != EWOULDBLOCK && errno != EINTR) break;
    }
    if (locked != 0 && errno == EWOULDBLOCK)
        return Failure{Error{{},
                             "the folder {} is locked by another program; do not keep this file in the store "
                             "directory of a running broker",
                             folder}};
    if (locked != 0) return Failure{Error{system_code(errno), "cannot lock {}", folder}};
    const auto text = read_text(*path);
    if (!text) return Failure{text.error()};
    // The text was read under the lock, so it has the edits of all other processes.
    const auto edited = edit(*text);
    if (!edited) return Failure{edited.error()};
    return replace_file(*path, directory.get(), *edited);
}

int use_passwd(const config::Command::Passwd& request) {
    if (!auth::is_user_name(request.user)) {
        fail("a user name has 1 to 1024 bytes of text, without ':' and without control characters");
        return config::exit_bad_configuration;
    }
    const auto text = read_text(request.file);
    if (!text) return fail(text_of(text.error()));
    const auto file = auth::PasswordFile::parse(*text);
    if (!file) {
        for (const auth::Problem& problem : file.error())
            fail(request.file + ":" + std::to_string(problem.line) + ": the line " + problem.text);
        return config::exit_bad_configuration;
    }
    if (request.is_verification) return verify(*file, request.user);
    return request.is_removal ? remove(request) : set(request);
}

}  // namespace ledge::daemon
