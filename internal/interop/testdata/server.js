// Sends back what comes: node server.js PORT CERT KEY GROUP VERSION [CA, whose clients alone are served]
const fs = require('fs')
const tls = require('tls')

const [port, cert, key, group, version, ca] = process.argv.slice(2)
const server = tls.createServer({
  cert: fs.readFileSync(cert), key: fs.readFileSync(key), ecdhCurve: group,
  minVersion: version, maxVersion: version,
  ca: ca && fs.readFileSync(ca), requestCert: !!ca, rejectUnauthorized: !!ca,
}, (socket) => {
  console.log('version', socket.getProtocol(), 'client', ca ? socket.getPeerCertificate().subject.CN : 'unknown')
  socket.pipe(socket)
  socket.on('error', (err) => console.error(err.message))
})
server.on('tlsClientError', (err) => console.error(err.message))
server.listen(port, '127.0.0.1')
