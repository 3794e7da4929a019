import com.sun.xml.ws.util.RuntimeVersion;

final class Client {
  public static void main(String[] args) throws Exception {
    JaxWs.run("Metro", RuntimeVersion.VERSION.toString().split(" ")[2], port -> {
      throw new UnsupportedOperationException(Scenario.SECURITY);
    });
  }
}
