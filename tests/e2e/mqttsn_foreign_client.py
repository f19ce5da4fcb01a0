#!/usr/bin/env python3
"""Runs one of the MQTT-SN clients of mqttsn_clients.txt for the end-to-end cases, with the Python that has them.
Usage: mqttsn_foreign_client.py mqtt-sn-12|mqttsn CLIENT_ID PORT

Each line of standard input is a call as JSON: [METHOD, ARGUMENT...]. The answer is a line "METHOD: RESULT", or
"METHOD failed: TEXT". A received message is a line "message TOPIC PAYLOAD".
"""
import json
import os
import select
import sys
import time

POLL_S = 0.02


def say(text):
    os.write(1, f'{text}\n'.encode())  # the clients print for themselves, without a line feed at times


class MqttSn12:
    """mqtt-sn-12: receives only while polling() is called."""

    def __init__(self, client_id, port):
        from mqttsn12.client.MqttSnClient import MqttSnClient
        self.client = MqttSnClient()
        self.client.set_client_id(client_id)
        self.client.set_timeout(5)
        self.client.open('127.0.0.1', port)
        self.is_connected = False

    def message_arrived(self, message):
        say(f'message {message.get_topic_name() or message.get_topic_id()} {message.get_payload().decode()}')

    def call(self, name, *arguments):
        if name.startswith('send_subscribe'):
            arguments += (self,)
        if name == 'send_publish':
            arguments = (arguments[0], arguments[1].encode(), *arguments[2:])
        result = getattr(self.client, name)(*arguments)
        if name in ('send_connect', 'send_disconnect'):
            self.is_connected = name == 'send_connect'
        return result

    def turn(self):
        if self.is_connected:
            self.client.polling()


class MqttSn:
    """mqttsn: receives in a thread of its own."""

    def __init__(self, client_id, port):
        from mqttsn.client import Callback, Client

        class Listener(Callback):
            def message_arrived(self, topic_name, payload, qos, retained, msgid):
                topic = topic_name.decode() if isinstance(topic_name, bytes) else topic_name
                say(f'message {topic or "-"} {payload.decode()}')
                return True

            def register(self, topic_id, topic_name):
                say(f'told {topic_name.decode()}')

            def published(self, message_id):
                say('acknowledged')

        self.port = port
        self.client = Client(client_id.encode(), host='127.0.0.1', port=port)
        self.client.register_callback(Listener())

    def call(self, name, *arguments):
        if name == 'register':
            return self.client.register(arguments[0].encode())
        if name == 'publish_without_connection':
            from mqttsn.client import publish
            return publish(*arguments, port=self.port, host='127.0.0.1')
        return getattr(self.client, name)(*arguments)

    def turn(self):
        pass


def main():
    kind, client_id, port = sys.argv[1:]
    client = {'mqtt-sn-12': MqttSn12, 'mqttsn': MqttSn}[kind](client_id, int(port))
    pending = b''
    while True:
        if select.select([0], [], [], POLL_S)[0]:
            more = os.read(0, 65536)
            if not more:
                return
            pending += more
        while b'\n' in pending:
            line, pending = pending.split(b'\n', 1)
            name, *arguments = json.loads(line)
            try:
                say(f'{name}: {client.call(name, *arguments)}')
            except Exception as error:
                say(f'{name} failed: {error!r}')
        try:
            client.turn()
        except Exception as error:
            say(f'turn failed: {error!r}')
            time.sleep(1)


if __name__ == '__main__':
    main()
