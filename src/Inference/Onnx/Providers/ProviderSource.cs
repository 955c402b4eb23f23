using AsArm.Inference.Devices;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Providers;

/// <summary>Where ONNX Runtime has a device's execution provider from: a registered library, or itself.</summary>
/// <param name="Provider">The provider.</param>
/// <param name="OnnxName">Its name in ONNX Runtime.</param>
/// <param name="Registered">The device of a registered library; null if the provider is one of ONNX Runtime's own.</param>
internal sealed record ProviderSource(ExecutionProvider Provider, string OnnxName, OrtEpDevice? Registered)
{
    /// <summary>Adds the provider to session options.</summary>
    /// <exception cref="OnnxRuntimeException">An option is not one of the provider, or the provider cannot be loaded.</exception>
    public void AddTo(SessionOptions session, IReadOnlyDictionary<string, string> options)
    {
        var given = new Dictionary<string, string>(options);
        if (Registered is not null)
        {
            given.Remove("device_id"); // it is that of the device
            session.AppendExecutionProvider(OnnxEnvironment.Get(), [Registered], given);
        }
        else if (Provider.Device.Name == Device.CudaName)
            AddCuda(session, given);
        else if (Provider.Device.Name == Device.TensorRTName)
            AddTensorRT(session, given);
        else
            session.AppendExecutionProvider(OnnxName, given);
    }

    private static void AddCuda(SessionOptions session, Dictionary<string, string> options)
    {
        using var cuda = new OrtCUDAProviderOptions();
        cuda.UpdateOptions(options);
        session.AppendExecutionProvider_CUDA(cuda);
    }

    private static void AddTensorRT(SessionOptions session, Dictionary<string, string> options)
    {
        using var tensorRT = new OrtTensorRTProviderOptions();
        tensorRT.UpdateOptions(options);
        session.AppendExecutionProvider_Tensorrt(tensorRT);
    }
}
