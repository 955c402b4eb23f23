using System.Security.Cryptography;
using System.Text.Json.Nodes;
using AsArm.Assd.Tests.Support;

namespace AsArm.Inference.Tests.ModelFolders;

/// <summary>The text of asarm.json.</summary>
internal static class ManifestText
{
    /// <summary>Changes fields of a folder's asarm.json.</summary>
    public static void Edit(TemporaryFolder folder, Action<JsonObject> change)
    {
        JsonObject manifest = JsonNode.Parse(File.ReadAllText(folder.In("asarm.json")))!.AsObject();
        change(manifest);
        File.WriteAllText(folder.In("asarm.json"), manifest.ToJsonString());
    }

    /// <summary>Replaces a file by another whose hash and length asarm.json lists.</summary>
    public static void ReplaceFile(TemporaryFolder folder, string name, byte[] data)
    {
        File.WriteAllBytes(folder.In(name), data);
        Edit(folder, manifest => manifest["files"]![name] = new JsonObject
        {
            ["sha256"] = Convert.ToHexString(SHA256.HashData(data)),
            ["bytes"] = data.Length,
        });
    }
}
