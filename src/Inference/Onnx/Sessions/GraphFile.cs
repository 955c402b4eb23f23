using AsArm.Inference.ModelFolders;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>A graph file of a folder. It has been checked to reference no external file but the weights of the folder.</summary>
/// <param name="Path">The ONNX file.</param>
/// <param name="Bytes">The model as ONNX Runtime loads it.</param>
/// <param name="WeightsFolder">The folder of the external weights; null for a graph without any.</param>
internal sealed record GraphFile(string Path, byte[] Bytes, string? WeightsFolder)
{
    /// <summary>Reads a graph. ONNX Runtime resolves links and then accepts weights from the graph's own folder only, so their real path is used.</summary>
    /// <exception cref="ModelFolderException">The graph is damaged, or references other files than the weights of the folder.</exception>
    public static GraphFile Read(ModelFolder folder, string path)
    {
        byte[] bytes = folder.Read(System.IO.Path.GetFileName(path));
        try
        {
            if (!OnnxWeights.Check(bytes, ModelFolder.WeightsFile, folder.Manifest.Files.GetValueOrDefault(ModelFolder.WeightsFile)?.Bytes ?? -1))
                return new(path, bytes, null);
        }
        catch (InvalidDataException error)
        {
            throw new ModelFolderException($"{path} is not a model that ONNX Runtime can load: {error.Message}.", error);
        }

        string weights = RegularFile.RealPath(System.IO.Path.Combine(folder.FullPath, ModelFolder.WeightsFile));
        string name = System.IO.Path.GetFileName(weights);
        return new(path, name == ModelFolder.WeightsFile ? bytes : OnnxWeights.Rename(bytes, name), System.IO.Path.GetDirectoryName(weights));
    }
}
