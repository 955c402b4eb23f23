using AsArm.Assd.Tests.Support;
using AsArm.Server.Configuration;
using AsArm.Server.Tests.Support;

namespace AsArm.Server.Tests.Configuration;

/// <summary>Settings of files, the environment and the command line.</summary>
[TestClass]
public sealed class ServerConfigurationTests
{
    [TestMethod]
    public void Read_Sources_ComeInOrder()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.Path);
        string file = Path.Combine(folder.Path, "server.json"), keys = Path.Combine(folder.Path, "keys.txt");
        File.WriteAllText(file, $$"""{"Port": 1, "MaxTokens": 2, "MaxSamples": 3, "Models": {"a": {{System.Text.Json.JsonSerializer.Serialize(RunningServer.ModelFolder)}}}, "ApiKeys": ["key-of-file"], "CorsOrigins": ["https://example.org"]}""");
        File.WriteAllText(keys, "# comment\nfirst-key\n\n second-key \n");
        Environment.SetEnvironmentVariable("ASARM_SERVER_MaxSamples", "5");
        try
        {
            ServerOptions options = ServerConfiguration.Read(file, [KeyValuePair.Create<string, string?>("Port", "7"), KeyValuePair.Create<string, string?>("ApiKeyFile", keys)]);
            Assert.AreEqual((7, 2, 5), (options.Port, options.MaxTokens, options.MaxSamples));
            Assert.AreEqual("a", options.DefaultName);
            CollectionAssert.AreEqual(new[] { "key-of-file", "first-key", "second-key" }, options.ApiKeys);
        }
        finally
        {
            Environment.SetEnvironmentVariable("ASARM_SERVER_MaxSamples", null);
        }
    }

    [TestMethod]
    [DataRow("""{"Prot": 1}""", "'Prot'")]
    [DataRow("""{"Port": "x"}""", "Port")]
    [DataRow("""{"Port": """, "server.json")]
    [DataRow("""{"MaxUnknownTokens": 65}""", "MaxUnknownTokens is 65")]
    [DataRow("""{"DefaultModel": "b"}""", "DefaultModel is 'b'")]
    [DataRow("""{"MaxBodyBytes": 10}""", "MaxBodyBytes is 10")]
    [DataRow("""{"MaxConnections": 0}""", "MaxConnections is 0")]
    [DataRow("""{"MaxRequestsPerClient": 0}""", "MaxRequestsPerClient is 0")]
    public void Read_BadSetting_IsNamed(string json, string named)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.Path);
        string file = Path.Combine(folder.Path, "server.json");
        File.WriteAllText(file, json);
        ServerConfigurationException error = Assert.ThrowsExactly<ServerConfigurationException>(() => ServerConfiguration.Read(file, [], RunningServer.ModelFolder));
        Assert.Contains(named, error.Message);
    }
}
