using System.Text.Json;
using AsArm.Assd.Tests.Support;
using AsArm.Server.Configuration;
using AsArm.Server.Tests.Support;

namespace AsArm.Server.Tests.Configuration;

/// <summary>Settings of files, the environment and the command line.</summary>
[TestClass]
[DoNotParallelize] // as they change the environment
public sealed class ServerConfigurationTests
{
    private static readonly string s_folder = JsonSerializer.Serialize(RunningServer.ModelFolder);

    [TestMethod]
    public void Read_Sources_ComeInOrder()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.In("keys.txt"), "# comment\nfirst-key\n\n second-key \n");
        string file = Write(folder, $$"""{"Port": 1, "MaxTokens": 2, "MaxSamples": 3, "Models": {"a": {{s_folder}}}, "CorsOrigins": ["https://example.org"], "MemoryBudgetMb": null}""");
        ServerOptions options = Read(file, [("Port", "7"), ("ApiKeyFile", folder.In("keys.txt"))], ("ASARM_SERVER__MaxSamples", "5"), ("ASARM_SERVER__Port", "6"));
        Assert.AreEqual((7, 2, 5), (options.Port, options.MaxTokens, options.MaxSamples));
        Assert.AreEqual("a", options.DefaultName);
        CollectionAssert.AreEqual(new[] { "first-key", "second-key" }, options.ApiKeys);
        CollectionAssert.AreEqual(new[] { "https://example.org" }, options.CorsOrigins);
    }

    /// <summary>A list replaces that of an earlier source, so that none of its keys stays valid; a key file is another way to give the keys.</summary>
    [TestMethod]
    [DataRow("""{"ApiKeys": ["file-key-1", "file-key-2"]}""", null, "command-key", "command-key")]
    [DataRow("""{"ApiKeys": ["file-key-1", "file-key-2"]}""", "variable-key", null, "variable-key")]
    [DataRow("""{"ApiKeys": ["file-key-1"]}""", "variable-key", "command-key", "command-key")]
    [DataRow("""{"ApiKeyFile": "FILE"}""", "variable-key", null, "variable-key")]
    [DataRow("""{"ApiKeys": ["file-key-1"], "ApiKeyFile": "FILE"}""", null, null, "file-key-1 key-of-file")]
    [DataRow("""{"ApiKeys": ["file-key-1"]}""", null, null, "file-key-1")]
    [DataRow("""{"ApiKeys": []}""", null, "command-key", "command-key")]
    public void Read_Keys_AreThoseOfTheLastSource(string json, string? variable, string? argument, string expected)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.In("keys.txt"), "key-of-file");
        string file = Write(folder, json.Replace("\"FILE\"", JsonSerializer.Serialize(folder.In("keys.txt")), StringComparison.Ordinal));
        ServerOptions options = Read(file, argument is null ? [] : [("ApiKeys:0", argument)], variable is null ? [] : [("ASARM_SERVER__ApiKeys__0", variable)]);
        Assert.AreEqual(expected, string.Join(' ', options.ApiKeys));
    }

    [TestMethod]
    public void Read_KeyFileOfTheCommandLine_ReplacesKeys()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.In("keys.txt"), "key-of-file");
        ServerOptions options = Read(Write(folder, """{"ApiKeys": ["file-key-1"]}"""), [("ApiKeyFile", folder.In("keys.txt"))]);
        CollectionAssert.AreEqual(new[] { "key-of-file" }, options.ApiKeys);
    }

    /// <summary>Models are replaced together, and with them the default one; a default one alone leaves them as they are. Their order is that of their names.</summary>
    [TestMethod]
    [DataRow(null, null, "b", "a b")]
    [DataRow("Models:c", null, "c", "c")]
    [DataRow("DefaultModel", "a", "a", "a b")]
    public void Read_Models_AreThoseOfTheLastSource(string? name, string? value, string expectedDefault, string expectedNames)
    {
        using var folder = new TemporaryFolder();
        string file = Write(folder, $$"""{"Models": {"b": {{s_folder}}, "a": {{s_folder}}}, "DefaultModel": "b"}""");
        ServerOptions options = Read(file, name is null ? [] : [(name, value ?? RunningServer.ModelFolder)]);
        Assert.AreEqual(expectedDefault, options.DefaultName);
        Assert.AreEqual(expectedNames, string.Join(' ', options.Models.Keys));
    }

    [TestMethod]
    public void Read_ModelsOfTheEnvironment_AreNamed()
    {
        ServerOptions options = Read(null, [], ("ASARM_SERVER__Models__small", RunningServer.ModelFolder));
        Assert.AreEqual("small", options.DefaultName);
        Assert.AreEqual("text", Read(null, []).DefaultName, "The default of the command.");
    }

    /// <summary>A pod beside a service named asarm-server has these variables.</summary>
    [TestMethod]
    public void Read_VariablesOfKubernetes_AreNoSettings()
    {
        ServerOptions options = Read(
            null,
            [],
            ("ASARM_SERVER_PORT", "tcp://10.0.0.1:8080"),
            ("ASARM_SERVER_SERVICE_HOST", "10.0.0.1"),
            ("ASARM_SERVER_SERVICE_PORT", "8080"),
            ("ASARM_SERVER_SERVICE_PORT_HTTP", "8080"),
            ("ASARM_SERVER_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("ASARM_SERVER_PORT_8080_TCP_PORT", "8080"),
            ("ASARM_SERVER_PORT_8080_TCP_PROTO", "tcp"),
            ("ASARM_SERVER_PORT_8080_TCP_ADDR", "10.0.0.1"));
        Assert.AreEqual(new ServerOptions().Port, options.Port);
    }

    /// <summary>A setting that would be overlooked, keys above all, is an error.</summary>
    [TestMethod]
    [DataRow("ASARM_SERVER_ApiKeys__0", "first-key", "ASARM_SERVER__ApiKeys__0")]
    [DataRow("ASARM_SERVER_Port", "7", "ASARM_SERVER__Port")]
    [DataRow("ASARM_SERVER__ApiKeys", "first-key", "ASARM_SERVER__ApiKeys__0")]
    [DataRow("ASARM_SERVER__Prot", "7", "'Prot'")]
    public void Read_BadVariable_IsNamed(string name, string value, string named)
    {
        ServerConfigurationException error = Assert.ThrowsExactly<ServerConfigurationException>(() => Read(null, [], (name, value)));
        Assert.Contains(named, error.Message);
    }

    [TestMethod]
    public void Read_CollectorOfOpenTelemetry_IsUsedUnlessASettingNamesOne()
    {
        const string Variable = "OTEL_EXPORTER_OTLP_ENDPOINT";
        Assert.AreEqual("http://collector:4318", Read(null, [], (Variable, "http://collector:4318")).OtlpEndpoint);
        Assert.AreEqual("http://other:4318", Read(null, [("OtlpEndpoint", "http://other:4318")], (Variable, "http://collector:4318")).OtlpEndpoint);
        Assert.IsNull(Read(null, []).OtlpEndpoint);
    }

    [TestMethod]
    [DataRow("""{"Prot": 1}""", "'Prot'")]
    [DataRow("""{"Port": "x"}""", "Port")]
    [DataRow("""{"Port": {"a": 1}}""", "Port")]
    [DataRow("""{"Port": """, "server.json")]
    [DataRow("""{"ApiKeys": "first-key"}""", "ApiKeys")]
    [DataRow("""{"ApiKeys": [["first-key"]]}""", "ApiKeys:0")]
    [DataRow("""{"Models": {"a": {"b": "c"}}}""", "Models:a")]
    [DataRow("""{"MaxUnknownTokens": 65}""", "MaxUnknownTokens is 65")]
    [DataRow("""{"DefaultModel": "b"}""", "DefaultModel is 'b'")]
    [DataRow("""{"MaxBodyBytes": 10}""", "MaxBodyBytes is 10")]
    [DataRow("""{"MaxConnections": 0}""", "MaxConnections is 0")]
    [DataRow("""{"MaxRequestsPerClient": 0}""", "MaxRequestsPerClient is 0")]
    [DataRow("""{"OtlpEndpoint": "collector:4318"}""", "OtlpEndpoint is 'collector:4318'")]
    public void Read_BadSetting_IsNamed(string json, string named)
    {
        using var folder = new TemporaryFolder();
        ServerConfigurationException error = Assert.ThrowsExactly<ServerConfigurationException>(() => Read(Write(folder, json), []));
        Assert.Contains(named, error.Message);
    }

    private static string Write(TemporaryFolder folder, string json)
    {
        File.WriteAllText(folder.In("server.json"), json);
        return folder.In("server.json");
    }

    /// <summary>The settings with variables of the environment.</summary>
    private static ServerOptions Read(string? file, (string Name, string Value)[] arguments, params (string Name, string Value)[] variables)
    {
        foreach ((string name, string value) in variables)
            Environment.SetEnvironmentVariable(name, value);
        try
        {
            return ServerConfiguration.Read(file, arguments.Select(one => KeyValuePair.Create(one.Name, (string?)one.Value)), RunningServer.ModelFolder);
        }
        finally
        {
            foreach ((string name, _) in variables)
                Environment.SetEnvironmentVariable(name, null);
        }
    }
}
