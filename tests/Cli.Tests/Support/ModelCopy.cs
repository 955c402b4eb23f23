using System.Security.Cryptography;
using System.Text.Json.Nodes;
using AsArm.Assd.Tests.Support;

namespace AsArm.Cli.Tests.Support;

/// <summary>A copy of a model folder, to be damaged; gone after the test.</summary>
internal sealed class ModelCopy : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ModelCopy(string source)
    {
        foreach (string file in Directory.GetFiles(source))
            File.Copy(file, In(System.IO.Path.GetFileName(file)));
    }

    public string Path => _folder.Path;

    public string In(string name) => _folder.In(name);

    /// <summary>Changes a file behind the back of asarm.json.</summary>
    public ModelCopy Damage(string name, Func<byte[], byte[]> change)
    {
        File.WriteAllBytes(In(name), change(File.ReadAllBytes(In(name))));
        return this;
    }

    /// <summary>Changes a file and enters its new size and hash into asarm.json, so that the damage is behind that check.</summary>
    public ModelCopy Replace(string name, Func<byte[], byte[]> change)
    {
        Damage(name, change);
        byte[] content = File.ReadAllBytes(In(name));
        return EditManifest(manifest => manifest["files"]![name] = new JsonObject
        {
            ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(content)),
            ["bytes"] = content.Length,
        });
    }

    public ModelCopy EditManifest(Action<JsonObject> change)
    {
        JsonObject manifest = JsonNode.Parse(File.ReadAllText(In("asarm.json")))!.AsObject();
        change(manifest);
        File.WriteAllText(In("asarm.json"), manifest.ToJsonString());
        return this;
    }

    public void Dispose() => _folder.Dispose();
}
