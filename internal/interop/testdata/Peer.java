import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.KeyStore;
import java.security.cert.*;
import java.util.*;
import javax.net.ssl.*;

/**
 * A client and a server of JSSE, told what to do by lines:
 *
 *   get NUMBER PORT PROTOCOL SUITE KEYS      fetches a page, with the certificate in KEYS, if it is not -
 *   serve NUMBER PORT PROTOCOL SUITE KEYS    sends back what the clients send, who need certificates
 *
 * Those of one NUMBER share their sessions. It answers "NUMBER done: " and what has come, "NUMBER serves", or "NUMBER failed: " and why.
 */
public class Peer {
    static final char[] PASSWORD = "secret".toCharArray();

    public static void main(String[] args) throws Exception {
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(authorities(args[0]));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        Map<String, SSLContext> contexts = new HashMap<>();
        for (String line; (line = in.readLine()) != null; ) {
            String[] word = line.split(" ");
            try {
                SSLContext context = contexts.get(word[1]);
                if (context == null) {
                    context = SSLContext.getInstance("TLS");
                    context.init(keys(word[5]), trust.getTrustManagers(), null);
                    contexts.put(word[1], context);
                }
                SSLParameters parameters = new SSLParameters(new String[] {word[4]}, new String[] {word[3]});
                int port = Integer.parseInt(word[2]);
                if (word[0].equals("get")) {
                    System.out.println(word[1] + " done: " + get(context, parameters, port));
                } else {
                    serve(context, parameters, port);
                    System.out.println(word[1] + " serves");
                }
            } catch (Exception e) {
                System.out.println(word[1] + " failed: " + e);
            }
        }
    }

    static KeyStore authorities(String file) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (InputStream in = new FileInputStream(file)) {
            for (java.security.cert.Certificate c : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                store.setCertificateEntry("ca" + store.size(), c);
            }
        }
        return store;
    }

    static KeyManager[] keys(String file) throws Exception {
        if (file.equals("-")) {
            return null;
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = new FileInputStream(file)) {
            store.load(in, PASSWORD);
        }
        KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
        factory.init(store, PASSWORD);
        return factory.getKeyManagers();
    }

    static String get(SSLContext context, SSLParameters parameters, int port) throws Exception {
        try (Socket raw = new Socket("127.0.0.1", port);
                SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(raw, "localhost", port, true)) {
            raw.setSoTimeout(20000);
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            parameters.setServerNames(List.of(new SNIHostName("localhost")));
            socket.setSSLParameters(parameters);
            socket.getOutputStream().write("GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            String page = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return socket.getSession().getProtocol() + " " + page.replaceAll("\\s+", " ");
        }
    }

    static void serve(SSLContext context, SSLParameters parameters, int port) throws Exception {
        SSLServerSocket listener = (SSLServerSocket) context.getServerSocketFactory()
                .createServerSocket(port, 50, InetAddress.getByName("127.0.0.1"));
        parameters.setNeedClientAuth(true);
        listener.setSSLParameters(parameters);
        Thread thread = new Thread(() -> {
            while (true) {
                try (Socket socket = listener.accept()) {
                    socket.setSoTimeout(20000);
                    socket.getInputStream().transferTo(socket.getOutputStream());
                } catch (IOException e) {
                    System.err.println(e);
                }
            }
        });
        thread.setDaemon(true);
        thread.start();
    }
}
