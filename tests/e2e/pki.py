"""Certificates for the cases, made with openssl in a folder of the run: nothing secret is kept anywhere."""
import os
import subprocess

DAYS = '30'


def openssl(*arguments, folder=None):
    result = subprocess.run(['openssl', *arguments], cwd=folder, capture_output=True, check=False)
    if result.returncode != 0:
        raise AssertionError(f'openssl {" ".join(arguments)}: {result.stderr.decode()}')
    return result.stdout.decode()


class Authority:
    """Signs certificates and revokes them. Files are NAME.pem and NAME.key in its folder."""

    def __init__(self, folder, name='ca'):
        self.folder = folder
        self.name = name
        os.makedirs(folder, exist_ok=True)
        self._key(name)
        openssl('req', '-x509', '-new', '-key', self.path(name + '.key'), '-subj', f'/CN={name}', '-days', DAYS, '-out',
                self.path(name + '.pem'))
        with open(self.path(name + '.cnf'), 'w', encoding='ascii') as file:
            file.write(f'[ca]\ndefault_ca = own\n[own]\ndatabase = {self.path(name + ".db")}\n'
                       f'crlnumber = {self.path(name + ".number")}\ndefault_md = sha256\ndefault_crl_days = 10\n')
        with open(self.path(name + '.db'), 'w', encoding='ascii'):
            pass
        with open(self.path(name + '.number'), 'w', encoding='ascii') as file:
            file.write('01\n')

    def path(self, name):
        return os.path.join(self.folder, name)

    @property
    def certificate(self):
        return self.path(self.name + '.pem')

    def _key(self, name):
        openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', self.path(name + '.key'))
        os.chmod(self.path(name + '.key'), 0o600)

    def issue(self, name, common_name, alternative_names=''):
        """`alternative_names` as openssl writes them: DNS:localhost,IP:127.0.0.1. Returns (certificate, key)."""
        self._key(name)
        openssl('req', '-new', '-key', self.path(name + '.key'), '-subj', f'/CN={common_name}', '-out',
                self.path(name + '.csr'))
        with open(self.path(name + '.ext'), 'w', encoding='ascii') as file:
            file.write(f'subjectAltName={alternative_names}\n' if alternative_names else '')
        openssl('x509', '-req', '-in', self.path(name + '.csr'), '-CA', self.certificate, '-CAkey',
                self.path(self.name + '.key'), '-CAcreateserial', '-days', DAYS, '-extfile', self.path(name + '.ext'),
                '-out', self.path(name + '.pem'))
        return self.path(name + '.pem'), self.path(name + '.key')

    def revoke(self, *names):
        """The list of what is revoked so far, with these certificates added."""
        own = ['-config', self.path(self.name + '.cnf'), '-keyfile', self.path(self.name + '.key'), '-cert',
               self.certificate]
        for name in names:
            openssl('ca', *own, '-revoke', self.path(name + '.pem'))
        out = self.path(self.name + '.crl')
        openssl('ca', *own, '-gencrl', '-out', out)
        return out
