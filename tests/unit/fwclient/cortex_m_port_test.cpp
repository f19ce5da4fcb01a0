// The port for a Cortex-M, with a UART and a processor that the test makes: what happens between two instructions of
// the interrupt handler is decided here, and not by chance.
#include <doctest/doctest.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

extern "C" {
#include "fwb_cortex_m.h"
}

namespace {

struct Uart {
    std::deque<std::uint8_t> received;
    std::vector<std::uint8_t> sent;
    bool is_interrupt_pending = false;
    int sleeps = 0;
    std::function<void()> before_empty;  // called once, between the last byte and the answer that there is none

    void arrive(std::uint8_t byte) {
        received.push_back(byte);
        is_interrupt_pending = true;
    }
};
Uart uart;

}  // namespace

extern "C" {
void board_uart_put(std::uint8_t byte) { uart.sent.push_back(byte); }
int board_uart_get() {
    if (uart.received.empty()) {
        // The register has said "empty"; what arrives now is seen by nobody who does not look again.
        if (const auto happen = std::exchange(uart.before_empty, nullptr)) happen();
        return -1;
    }
    const std::uint8_t byte = uart.received.front();
    uart.received.pop_front();
    return byte;
}
void board_uart_clear_interrupt() { uart.is_interrupt_pending = false; }
void __WFI() { ++uart.sleeps; }
void __disable_irq() {}
void __enable_irq() {}
}

namespace {

fwb_cortex_m started_port() {
    uart = Uart{};
    fwb_cortex_m port{};
    fwb_cortex_m_init(&port);
    return port;
}

void send(fwb_cortex_m& port) {
    const std::uint8_t pingreq[2] = {2, 0x16};
    fwb_cortex_m_send(&port, pingreq, 2, nullptr, 0);
}

}  // namespace

TEST_CASE("a byte that arrives while the interrupt handler ends is not forgotten") {
    fwb_cortex_m port = started_port();
    uart.arrive(1);
    uart.before_empty = [] { uart.arrive(2); };
    fwb_cortex_m_uart(&port);
    // The byte is still in the UART, so its interrupt has to be pending: nothing else would fetch the byte.
    CHECK(uart.received.size() == 1);
    CHECK(uart.is_interrupt_pending);
    fwb_cortex_m_uart(&port);
    CHECK(port.head == 2);
    CHECK_FALSE(uart.is_interrupt_pending);
}

TEST_CASE("the first frame after a start ends half a frame from before, whatever the clock says") {
    for (const std::uint32_t now_ms : {0U, 19U, 1000U, 0xFFFFFFFFU}) {
        fwb_cortex_m port = started_port();
        port.now_ms = now_ms;  // memory that a reset has kept
        fwb_cortex_m_init(&port);
        send(port);
        REQUIRE(uart.sent.size() == 7);
        CHECK(uart.sent.front() == 0);
    }
}

TEST_CASE("a zero comes first after 20 ms of silence, and not before") {
    fwb_cortex_m port = started_port();
    send(port);
    for (int i = 0; i < 19; ++i) fwb_cortex_m_tick(&port);
    uart.sent.clear();
    send(port);
    CHECK(uart.sent.size() == 6);
    for (int i = 0; i < 20; ++i) fwb_cortex_m_tick(&port);
    uart.sent.clear();
    send(port);
    CHECK(uart.sent.size() == 7);
}

TEST_CASE("the processor sleeps only when no received byte waits") {
    fwb_cortex_m port = started_port();
    fwb_cortex_m_wait(&port);
    CHECK(uart.sleeps == 1);
    uart.arrive(1);
    fwb_cortex_m_uart(&port);
    fwb_cortex_m_wait(&port);
    CHECK(uart.sleeps == 1);
}

TEST_CASE("bytes beyond the ring are counted and do not damage those in it") {
    fwb_cortex_m port = started_port();
    for (int i = 0; i < 300; ++i) uart.arrive(static_cast<std::uint8_t>(i));
    fwb_cortex_m_uart(&port);
    CHECK(port.overruns == 300 - 255);
    CHECK(port.ring[0] == 0);
    CHECK(port.ring[254] == 254);
}
