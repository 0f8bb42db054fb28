// Connects three times, each time with the session of the time before, and prints what comes:
// node resume.js PORT CA VERSION
const fs = require('fs')
const tls = require('tls')

const [port, ca, version] = process.argv.slice(2)
let session
function connect (left) {
  if (left === 0) return
  const socket = tls.connect({
    host: '127.0.0.1', port, servername: 'localhost', ca: fs.readFileSync(ca), minVersion: version, maxVersion: version, session,
  }, () => {
    console.log('reused', socket.isSessionReused())
    socket.write('GET / HTTP/1.0\r\n\r\n')
  })
  socket.on('session', (s) => { session = s })
  socket.on('data', (data) => process.stdout.write(data))
  socket.on('error', (err) => {
    console.error(err.message)
    process.exitCode = 1
  })
  socket.on('close', () => connect(left - 1))
}
connect(3)
