// Connects, sends the request, prints the group and what comes:
// node client.js PORT CA GROUP VERSION [CERT KEY]
const fs = require('fs')
const tls = require('tls')

const [port, ca, group, version, cert, key] = process.argv.slice(2)
const socket = tls.connect({
  host: '127.0.0.1', port, servername: 'localhost', ca: fs.readFileSync(ca), ecdhCurve: group,
  minVersion: version, maxVersion: version,
  cert: cert && fs.readFileSync(cert), key: key && fs.readFileSync(key),
}, () => {
  console.log('version', socket.getProtocol())
  console.log('group', socket.getEphemeralKeyInfo().name)
  socket.write('GET / HTTP/1.0\r\n\r\n')
})
socket.on('data', (data) => process.stdout.write(data))
socket.on('error', (err) => {
  console.error(err.message)
  process.exitCode = 1
})
